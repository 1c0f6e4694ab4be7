from facefusion.uis.components import instant_runner, terminal


def pre_check():
    return True


def render():
    instant_runner.render()
    terminal.render()


def listen():
    instant_runner.listen()
    terminal.listen()


def run(ui):
    ui.launch(inbrowser=False)
