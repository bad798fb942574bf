package io.netpark.bench.run;

import io.netpark.bench.run.LoadProcess.Done;
import io.netpark.bench.server.Service;
import io.netpark.bench.tls.Protocol;

/** A shape over TLS. Sessions are new: what is done over connections hardly depends on how they came about. */
public record Encrypted(Shape shape, Protocol protocol) implements Shape {

    @Override
    public String label() {
        return shape.label();
    }

    @Override
    public Service service() {
        return shape.service();
    }

    @Override
    public Shape warmUp() {
        return new Encrypted(shape.warmUp(), protocol);
    }

    @Override
    public long comeAndGo(LoadProcess load, int port, long millis) {
        load.encrypt(protocol, false);
        return shape.comeAndGo(load, port, millis);
    }

    @Override
    public void open(LoadProcess load, int port) {
        load.encrypt(protocol, false);
        shape.open(load, port);
    }

    @Override
    public Done run(LoadProcess load, int port, long millis) {
        return shape.run(load, port, millis);
    }

    @Override
    public void close(LoadProcess load) {
        shape.close(load);
    }

    /**
     * Connections that are made for a handshake, one request and its answer, so many at a time.
     *
     * @param resumed whether a session is resumed, or each is new
     */
    public record Handshakes(String label, int visitors, Protocol protocol, boolean resumed) implements Shape {

        /** Small beside a handshake. */
        private static final int SIZE = 128;

        @Override
        public Service service() {
            return new Churn(label, visitors, SIZE).service();
        }

        @Override
        public void open(LoadProcess load, int port) {
            load.encrypt(protocol, resumed);
        }

        @Override
        public Done run(LoadProcess load, int port, long millis) {
            return load.churn(port, visitors, SIZE, millis);
        }

        @Override
        public void close(LoadProcess load) {}

        @Override
        public Shape toward(Entrant contender) {
            return contender instanceof TlsContender server && server.server() == Contender.NGINX ? new ForPage(this) : this;
        }
    }

    /** The same, with a page over HTTP as the answer. */
    private record ForPage(Handshakes handshakes) implements Shape {

        @Override
        public String label() {
            return handshakes.label;
        }

        @Override
        public Service service() {
            return handshakes.service();
        }

        @Override
        public void open(LoadProcess load, int port) {
            handshakes.open(load, port);
        }

        @Override
        public Done run(LoadProcess load, int port, long millis) {
            return load.visits(port, handshakes.visitors, millis);
        }

        @Override
        public void close(LoadProcess load) {}
    }
}
