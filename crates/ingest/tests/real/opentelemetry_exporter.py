"""Sends log records through the OpenTelemetry SDK's exporter for OTLP over HTTP, packed."""
import logging
import sys

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

provider = LoggerProvider(resource=Resource.create({"service.name": "shop"}))
exporter = OTLPLogExporter(endpoint=f"http://127.0.0.1:{sys.argv[1]}/v1/logs", compression=Compression.Gzip)
provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
logger = logging.getLogger("shop")
logger.addHandler(LoggingHandler(logger_provider=provider))
for n in range(200):
    logger.warning("n=%d đăng nhập", n, extra={"order": 7, "tags": ["a", "b"], "nested": {"deep": True}})
assert provider.force_flush(), "the exporter could not send"
provider.shutdown()
