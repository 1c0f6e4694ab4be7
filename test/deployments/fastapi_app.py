from fastapi import FastAPI

import swap

app = FastAPI()


@app.get('/swap')
def run():
    return {'code': swap.swap()}
