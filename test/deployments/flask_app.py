from flask import Flask

import swap

app = Flask(__name__)


@app.get('/swap')
def run():
    return {'code': swap.swap()}
