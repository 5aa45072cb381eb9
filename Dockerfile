# The service alone: no TensorFlow, no compiler, no root. docker build -t streetseg . && docker run -p 8000:8000 streetseg
FROM python:3.11-slim AS packages
RUN python -m venv /opt/venv
COPY requirements-serve.txt .
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check -r requirements-serve.txt
# Of OpenVINO, what runs on other devices than processors and what reads files of other frameworks; tests; and pip, which has
# done its work. A fifth of the image; tests/deploy/test_image.py serves a photograph with the rest.
RUN cd /opt/venv/lib/python3*/site-packages \
    && rm -rf openvino/libs/libopenvino_intel_gpu_plugin.so openvino/libs/libopenvino_intel_npu_plugin.so \
        openvino/libs/cache.json openvino/include \
    && find openvino/libs -name 'libopenvino_*_frontend.so*' ! -name 'libopenvino_ir_frontend.so*' -delete \
    && find . -type d -name tests -prune -exec rm -r {} + \
    && rm -rf pip pip-* setuptools* pkg_resources _distutils_hack distutils-precedence.pth

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home streetseg
COPY --from=packages /opt/venv /opt/venv
ENV VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PORT=8000
WORKDIR /srv/streetseg
COPY startup.sh ./
COPY deploy/worker.py deploy/worker.py
COPY app app
COPY model model
COPY static static
COPY templates templates
USER streetseg
EXPOSE 8000
# The slim image has no curl. urlopen raises, so the check fails, on any status that is not a success.
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/readyz', timeout=4)"]
CMD ["./startup.sh"]
