import importlib

import gradio

from facefusion import metadata, state_manager


def load_ui_layout_module(ui_layout):
    return importlib.import_module("facefusion.uis.layouts." + ui_layout)


def get_ui_layouts_modules(ui_layouts):
    return [load_ui_layout_module(ui_layout) for ui_layout in ui_layouts]


def launch():
    layouts = state_manager.get_item("ui_layouts")
    with gradio.Blocks(title=metadata.get("name") + " " + metadata.get("version")) as ui:
        for ui_layout in layouts:
            module = load_ui_layout_module(ui_layout)
            if len(layouts) > 1:
                with gradio.Tab(ui_layout):
                    module.render()
                    module.listen()
            else:
                module.render()
                module.listen()
    for ui_layout in layouts:
        load_ui_layout_module(ui_layout).run(ui)
