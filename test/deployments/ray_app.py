import os
import time

import ray
from ray import serve

import swap

ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, _temp_dir=os.environ['RAY_FOLDER'])
serve.start(http_options={'host': '127.0.0.1', 'port': int(os.environ['SERVER_PORT'])})


@serve.deployment
class Swapper:
    def __call__(self, request):
        return {'code': swap.swap()}


serve.run(Swapper.bind())
while True:
    time.sleep(60)
