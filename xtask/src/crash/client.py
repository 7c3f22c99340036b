"""Sends numbered events with the official Elasticsearch client and notes each one that was acknowledged.

Arguments: address of the intake, file of acknowledged numbers, first number. Ends when its standard input closes.
"""

import sys
import threading

from elasticsearch import Elasticsearch

address, noted, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()

client = Elasticsearch(address, max_retries=0, retry_on_timeout=False, request_timeout=10)
number = first
with open(noted, "a", buffering=1) as file:
    while not over.is_set():
        numbers = range(number, number + 100)
        number += 100
        operations = []
        for n in numbers:
            operations.append({"create": {"_index": "crash"}})
            operations.append({
                "EventID": 1,
                "Channel": "Microsoft-Windows-Sysmon/Operational",
                "Hostname": f"crash-host-{n // 100 % 40}",
                "Image": "C:\\Windows\\System32\\whoami.exe",
                "CommandLine": f"whoami /all trial-client-{n}.",
            })
        try:
            answer = client.bulk(operations=operations)
        except Exception:
            # The post is down or refuses: nothing of this request was acknowledged, and its numbers are not used again.
            over.wait(0.05)
            continue
        for n, item in zip(numbers, answer["items"]):
            if item["create"]["status"] == 201:
                file.write(f"trial-client-{n}.\n")
