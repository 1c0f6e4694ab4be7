PROCESS_STATE = "pending"


def get_process_state():
    return PROCESS_STATE


def set_process_state(process_state):
    global PROCESS_STATE
    PROCESS_STATE = process_state


def check():
    set_process_state("checking")


def start():
    set_process_state("processing")


def stop():
    set_process_state("stopping")


def end():
    set_process_state("pending")


def is_processing():
    return get_process_state() == "processing"
