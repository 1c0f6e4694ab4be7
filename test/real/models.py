"""Makes stand-ins for the models that a checkout of FaceFusion asks for.

    models.py CHECKOUT

What a frame looks like decides what becomes of a run, so that the input of a run chooses its end:

    gray   nothing happens to it
    white  the content filter declines it
    black  the processor raises an exception, as it does when a GPU has no memory left

A hash file is the CRC-32 of its model, which is all that FaceFusion checks.
"""

import pathlib
import re
import sys
import zlib

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

# The processor of the runs. It looks at whole frames, so there need be no face in them.
PROCESSOR_MODEL = 'deoldify'

# Of the content filters, the mean of a white frame's input lies above, and what they then say.
FILTERS = {
	'yolo_11m_nsfw': (0.85, numpy.ones((1, 5, 2))),
	'nsfw_1': (0.85, numpy.ones((1, 5, 2))),
	'nsfw_2': (0.7, numpy.array([[1, 0]])),
	'nsfw_3': (1.4, numpy.array([[0, 0, 20, 20]])),
}


def constant(name, value, kind=numpy.float32):
	return numpy_helper.from_array(numpy.asarray(value, dtype=kind), name)


def model(nodes, constants, input_shape, output_shape):
	given = helper.make_tensor_value_info('input', TensorProto.FLOAT, input_shape)
	made = helper.make_tensor_value_info('output', TensorProto.FLOAT, output_shape)
	graph = helper.make_graph(nodes, 'stand-in', [given], [made], constants)
	return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)


def mean():
	return helper.make_node('ReduceMean', ['input'], ['mean'], keepdims=0)


def identity():
	return model([helper.make_node('Identity', ['input'], ['output'])], [], ['n'], ['n'])


def content_filter(threshold, verdict):
	nodes = [
		mean(),
		helper.make_node('Greater', ['mean', 'threshold'], ['white']),
		helper.make_node('Cast', ['white'], ['found'], to=TensorProto.FLOAT),
		helper.make_node('Mul', ['found', 'verdict'], ['output']),
	]
	return model(nodes, [constant('threshold', threshold), constant('verdict', verdict)], [1, 3, 'h', 'w'], list(verdict.shape))


def processor(channels=32, size=5):
	"""The frame itself, after some work in vain, and an index out of bounds when it is black."""
	weights = numpy.random.default_rng(1).standard_normal
	nodes = [
		mean(),
		helper.make_node('Less', ['mean', 'threshold'], ['black']),
		helper.make_node('Cast', ['black'], ['index'], to=TensorProto.INT64),
		helper.make_node('Gather', ['zero', 'index'], ['bound']),
		helper.make_node('Conv', ['input', 'wide'], ['a'], pads=[size // 2] * 4),
		helper.make_node('Conv', ['a', 'deep'], ['b'], pads=[size // 2] * 4),
		helper.make_node('Conv', ['b', 'narrow'], ['c'], pads=[size // 2] * 4),
		helper.make_node('Mul', ['c', 'bound'], ['nothing']),
		helper.make_node('Add', ['input', 'nothing'], ['output']),
	]
	constants = [
		constant('threshold', 40),
		constant('zero', [0]),
		constant('wide', weights((channels, 3, size, size))),
		constant('deep', weights((channels, channels, size, size))),
		constant('narrow', weights((3, channels, size, size))),
	]
	return model(nodes, constants, [1, 3, 'h', 'w'], [1, 3, 'h', 'w'])


def wanted(checkout):
	"""The names of the models of the common modules and of the one processor."""
	package = checkout / 'facefusion'
	colorizer = package / 'processors' / 'modules'
	sources = [*package.glob('*.py'), *colorizer.glob('frame_colorizer.py'), *colorizer.glob('frame_colorizer/*.py')]
	for source in sources:
		yield from re.findall(r"\.assets/models/([\w.-]+)\.onnx'", source.read_text())


def write(folder, name, stand_in):
	onnx.checker.check_model(stand_in)
	content = stand_in.SerializeToString()
	(folder / f'{name}.onnx').write_bytes(content)
	(folder / f'{name}.hash').write_text(f'{zlib.crc32(content):08x}')


def main(checkout):
	folder = checkout / '.assets' / 'models'
	folder.mkdir(parents=True, exist_ok=True)
	names = sorted(set(wanted(checkout)))
	if PROCESSOR_MODEL not in names or not FILTERS.keys() & set(names):
		sys.exit(f'models.py knows neither the processor nor the content filter of {checkout}: it asks for {names}')
	for name in names:
		if name == PROCESSOR_MODEL:
			write(folder, name, processor())
		elif name in FILTERS:
			write(folder, name, content_filter(*FILTERS[name]))
		else:
			write(folder, name, identity())


if __name__ == '__main__':
	main(pathlib.Path(sys.argv[1]))
