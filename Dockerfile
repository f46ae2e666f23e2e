# Builds from the lock file, runs as a user without rights. Data lives in the volume /data.
#   docker build -t everbot .
#   docker run -it -v everbot-data:/data -e OPENAI_API_KEY everbot chat
#   docker run -d -v everbot-data:/data --env-file everbot.env everbot run
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY adapters adapters
COPY memory memory
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --create-home --uid 10001 everbot && mkdir /data && chown everbot /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH EVERBOT_DATA_DIR=/data PYTHONUNBUFFERED=1
USER everbot
VOLUME /data
ENTRYPOINT ["everbot"]
CMD ["run"]
