METADATA =\
{
	'name': 'FaceFusion',
	'version': '3.8.1'
}
