"""A gRPC server whose one method starts a run. It has no generated code: bytes go in and out."""
import os
from concurrent import futures

import grpc

import swap


class Swapper(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == '/swap.Swapper/Run':
            return grpc.unary_unary_rpc_method_handler(lambda request, context: str(swap.swap()).encode())
        return None


server = grpc.server(futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((Swapper(),))
server.add_insecure_port('127.0.0.1:' + os.environ['SERVER_PORT'])
server.start()
server.wait_for_termination()
