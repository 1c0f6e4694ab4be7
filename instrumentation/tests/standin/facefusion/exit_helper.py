import os


def fatal_exit(error_code):
    os._exit(error_code)
