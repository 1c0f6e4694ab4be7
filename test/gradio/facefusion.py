#!/usr/bin/env python3

import os

os.environ['OMP_NUM_THREADS'] = '1'
# nothing may try to leave this machine, and the loopback is reached without a proxy
os.environ['GRADIO_ANALYTICS_ENABLED'] = '0'
os.environ['NO_PROXY'] = os.environ['no_proxy'] = '127.0.0.1,localhost'

from facefusion import core

if __name__ == '__main__':
	core.cli()
