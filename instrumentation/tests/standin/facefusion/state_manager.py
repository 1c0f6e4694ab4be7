STATE = {}


def get_item(key):
    return STATE.get(key)


def set_item(key, value):
    STATE[key] = value
