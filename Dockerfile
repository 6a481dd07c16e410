# The pipelines in an image, with the configuration of this repository; data are mounted:
#
#     docker build --tag animl-kedro .
#     docker run --rm --gpus all --volume "$PWD/data:/project/data" animl-kedro --env=animl
#
# By default for NVIDIA's GPUs, whose libraries come with torch (about 7 GB). For machines without one, 2 GB, lend pip a
# configuration that names PyTorch's CPU wheels, as its page "Start Locally" tells; it does not stay in the image:
#
#     docker build --tag animl-kedro:cpu --build-arg DEVICE=cpu --secret id=pip,src=pip.conf .
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS development
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# Debian keeps no older versions to be pinned to; the packages are those that build and run the fast cropping.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc git libc6-dev libjpeg62-turbo-dev make \
    && rm -rf /var/lib/apt/lists/*

FROM development AS build
ARG DEVICE=cuda
ARG EXTRAS=sample
WORKDIR /source
RUN python -m venv /opt/animl-kedro
ENV PATH="/opt/animl-kedro/bin:$PATH"
COPY constraints.txt ./
# Of equal versions, pip takes the one with a local part, 2.15.0+cpu.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf case "$DEVICE" in \
        cuda) ;; \
        cpu) test -s /etc/pip.conf || { echo "lend pip a configuration: --secret id=pip,src=pip.conf" >&2; exit 1; } \
            && pip install --constraint constraints.txt torch torchvision ;; \
        *) echo "DEVICE is $DEVICE, expected cuda or cpu" >&2; exit 1 ;; \
    esac
COPY pyproject.toml README.md ./
COPY src ./src
RUN pip install --constraint constraints.txt ".[$EXTRAS]"

FROM python:${PYTHON}-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libjpeg62-turbo \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 animl \
    && install --directory --owner=animl /project /project/data
COPY --from=build /opt/animl-kedro /opt/animl-kedro
ENV PATH="/opt/animl-kedro/bin:$PATH" KEDRO_LOGGING_CONFIG=/project/conf/logging.yml
WORKDIR /project
COPY --chown=animl conf ./conf
USER 1000
VOLUME /project/data
ENTRYPOINT ["animl-kedro"]
