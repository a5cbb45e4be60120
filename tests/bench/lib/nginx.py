"""nginx with constant JSON: the roof of HTTP on this machine. It reads a request, and decides, stores and renders nothing."""

from lib.processes import Server, accepts, free_port

BINARY = "/usr/sbin/nginx"

CONFIGURATION = """\
daemon off;
worker_processes auto;
pid {directory}/nginx.pid;
error_log {directory}/nginx-error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  default_type application/json;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  client_body_temp_path {directory}/nginx-body;
  proxy_temp_path {directory}/nginx-proxy;
  fastcgi_temp_path {directory}/nginx-fastcgi;
  uwsgi_temp_path {directory}/nginx-uwsgi;
  scgi_temp_path {directory}/nginx-scgi;
  client_body_buffer_size 16k;
  server {{
    listen 127.0.0.1:{port} reuseport;
{locations}
  }}
}}
"""


class Nginx(Server):
    """nginx on a port of its own. `answers` maps a path's regular expression to (status, body)."""

    def __init__(self, directory, answers):
        self.port = free_port()
        locations = "\n".join(f"    location ~ {path} {{ return {status} '{quoted(body)}'; }}"
                              for path, (status, body) in answers.items())
        configuration = directory / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(directory=directory, port=self.port, locations=locations))
        super().__init__("nginx", [BINARY, "-c", str(configuration), "-e", str(directory / "nginx-error.log")], directory)
        self.ready_when(lambda: accepts(self.port))


def quoted(body):
    """A body as nginx's configuration takes it in single quotes; a dollar sign would begin a variable there."""
    if "$" in body:
        raise ValueError("nginx cannot return a constant with a dollar sign in it")
    return body.replace("\\", "\\\\").replace("'", "\\'")
