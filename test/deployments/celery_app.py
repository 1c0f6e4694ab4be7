import os

from celery import Celery

import swap

app = Celery('swaps', broker=os.environ['REDIS_URL'])


@app.task
def run():
    return swap.swap()
