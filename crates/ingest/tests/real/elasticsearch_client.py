"""Speaks to the intake as the official client does: bulk helpers with retries, then one request with good and bad items."""
import json
import sys

from elasticsearch import Elasticsearch, helpers

client = Elasticsearch(f"http://127.0.0.1:{sys.argv[1]}", http_compress=True, retry_on_timeout=True)
info = client.options(max_retries=20, retry_on_status=[429, 503]).info()
actions = ({"_op_type": "create", "_index": "logs", "message": f"n={n} đăng nhập"} for n in range(1000))
patient = client.options(max_retries=20, retry_on_status=[429, 503])
stored = sum(ok for ok, _ in helpers.streaming_bulk(patient, actions, chunk_size=300, max_retries=20, initial_backoff=0.5))
lines = [
    '{"create":{"_index":"logs"}}', '{"message":"n=1000"}',
    '{"index":{}}', '{"message":',
    '{"delete":{"_id":"1"}}',
    '{"update":{"_id":"1"}}', '{"doc":{}}',
    '{"index":{"_id":"x"}}', '{"message":"n=1001"}',
]
answer = client.bulk(index="logs", operations=("\n".join(lines) + "\n").encode())
statuses = [outcome["status"] for item in answer["items"] for outcome in item.values()]
print(f"{stored} stored, statuses {json.dumps(statuses)}, hello from {info['name']} {info['version']['number']}")
