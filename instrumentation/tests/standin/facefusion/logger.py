from logging import basicConfig, getLogger


def init(level="INFO"):
    basicConfig(format="%(message)s")
    get_package_logger().setLevel(level)


def get_package_logger():
    return getLogger("facefusion")


def info(message, module_name):
    get_package_logger().info("[" + module_name.upper() + "] " + message)


def error(message, module_name):
    get_package_logger().error("[" + module_name.upper() + "] " + message)
