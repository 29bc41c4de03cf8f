"""Runs OpenStack Swift with its S3 interface in one process, on loopback.

python3 object_store.py <folder> <access key> <secret key> <port, 0 for any>

All its servers keep their state in the folder. When it can be asked, it prints
"listening <port>"; it ends when its standard input does.
"""

import os
import pwd
import sys

import eventlet
import eventlet.wsgi

eventlet.monkey_patch()

from swift.common import storage_policy, utils, wsgi
from swift.common.ring import Ring, RingData

folder, access_key, secret, port = sys.argv[1:5]
user = pwd.getpwuid(os.geteuid()).pw_name
KINDS = ("account", "container", "object")


def write(name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def serve(conf, at):
    """In the background; the process ends when it cannot."""
    app = wsgi.loadapp(conf, global_conf={"log_name": "swift"})

    def run():
        eventlet.wsgi.server(
            at,
            app,
            utils.NullLogger(),
            protocol=wsgi.SwiftHttpProtocol,
            capitalize_response_headers=False,
        )
        os._exit(1)

    eventlet.spawn(run)


def listen(port=0):
    return eventlet.listen(("127.0.0.1", port), backlog=512)


os.makedirs(os.path.join(folder, "devices", "disk"), exist_ok=True)
write("swift.conf", "[swift-hash]\nswift_hash_path_prefix = tests\n")
utils.set_swift_dir(folder)
utils.validate_configuration()
storage_policy.reload_storage_policies()

common = f"""[DEFAULT]
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
user = {user}
log_level = ERROR
fallocate_reserve = 0
"""
sockets = {kind: listen() for kind in KINDS}
for kind, at in sockets.items():
    own_port = at.getsockname()[1]
    device = {
        "id": 0, "zone": 0, "region": 1, "weight": 1.0, "device": "disk", "meta": "",
        "ip": "127.0.0.1", "port": own_port,
        "replication_ip": "127.0.0.1", "replication_port": own_port,
    }
    RingData([[0] * 4], [device], 30).save(os.path.join(folder, kind + ".ring.gz"))
for kind, at in sockets.items():
    conf = write(
        kind + ".conf",
        common + f"""
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
""",
    )
    serve(conf, at)

account, _, name = access_key.partition(":")
conf = write(
    "proxy.conf",
    common + f"""
[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{name} = {secret} .admin
[filter:slo]
use = egg:swift#slo
""",
)
front = listen(int(port))
serve(conf, front)
print("listening", front.getsockname()[1], flush=True)
eventlet.tpool.execute(sys.stdin.read)
