# everbot as a service. Everything is set by variables (docs/deploy.md), or by a config.toml in the volume /data.
#   docker build -t everbot .
#   docker run -d --restart unless-stopped --stop-timeout 30 -v everbot-data:/data --env-file everbot.env everbot
#   docker run -it --rm -v everbot-data:/data everbot setup
# What is heavy is left out: --build-arg EXTRAS=documents (or chroma, or both with a comma) brings it.
FROM python:3.13-slim AS build
ARG EXTRAS=""
RUN python -m venv --without-pip /venv
WORKDIR /src
COPY requirements.lock ./
RUN pip --python /venv/bin/python install --no-cache-dir --require-hashes --no-deps -r requirements.lock
COPY pyproject.toml README.md LICENSE config.example.toml ./
COPY bot bot
COPY adapters adapters
COPY memory memory
COPY deploy/unneeded.py deploy/
RUN pip --python /venv/bin/python install --no-cache-dir --no-deps --no-build-isolation . \
 && /venv/bin/python deploy/unneeded.py "$EXTRAS" > /unneeded \
 && pip --python /venv/bin/python uninstall --quiet --yes -r /unneeded

FROM python:3.13-slim
RUN useradd --create-home --uid 10001 everbot && install -d -o everbot -m 0700 /data /backups
COPY --from=build /venv /venv
COPY --from=build /src/config.example.toml /usr/share/doc/everbot/
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 EVERBOT_DATA_DIR=/data EVERBOT_RUN__HEALTH=0.0.0.0:8080
USER everbot
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["everbot", "health"]
ENTRYPOINT ["everbot"]
CMD ["run"]
