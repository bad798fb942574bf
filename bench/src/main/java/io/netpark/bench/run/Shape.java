package io.netpark.bench.run;

import io.netpark.bench.run.LoadProcess.Done;
import io.netpark.bench.server.Service;
import io.netpark.bench.server.Service.Mode;

/** What the generator does to a server. */
public interface Shape {

    /** Its name in options and tables, such as {@code 1000x1KiB}. */
    String label();

    /** What the servers are started as. */
    Service service();

    /** Connects. */
    void open(LoadProcess load, int port);

    /** What makes the same code hot in less time: by default this. */
    default Shape warmUp() {
        return this;
    }

    /**
     * Makes the code hot that lets connections in and out, if rounds begin and end with thousands of them.
     *
     * @return how many of the milliseconds it has taken
     */
    default long comeAndGo(LoadProcess load, int port, long millis) {
        return 0;
    }

    /** Works for a while. */
    Done run(LoadProcess load, int port, long millis);

    /** Disconnects. */
    void close(LoadProcess load);

    /** The same for one that has to be asked for it in another way. */
    default Shape toward(Entrant contender) {
        return this;
    }

    /**
     * Requests that come back as they are.
     *
     * @param active connections that send
     * @param idle connections that stand beside them
     * @param size bytes a request
     * @param depth requests in flight a connection
     */
    record Echo(String label, int active, int idle, int size, int depth) implements Shape {

        private static final int SMALLEST_BUFFER = 512;
        private static final int LARGEST_BUFFER = 128 * 1024;
        /** To connect thousands takes longer than to warm up. */
        private static final int ENOUGH_TO_WARM_UP = 500;
        /** So many a round that some rounds later accepting and closing have become worth the compiler's while. */
        private static final int MANY = 1000;
        private static final int VISITORS = 64;

        @Override
        public Service service() {
            int buffer = Math.max(SMALLEST_BUFFER, Math.min(2 * size * depth, LARGEST_BUFFER));
            return new Service(Mode.ECHO, 1, buffer);
        }

        @Override
        public Shape warmUp() {
            return new Echo(label, Math.min(active, ENOUGH_TO_WARM_UP), 0, size, depth);
        }

        @Override
        public long comeAndGo(LoadProcess load, int port, long millis) {
            if (active + idle < MANY) {
                return 0;
            }
            load.churn(port, VISITORS, size, millis);
            return millis;
        }

        @Override
        public void open(LoadProcess load, int port) {
            load.open(port, active, size, depth);
            if (idle > 0) {
                load.open(port, idle, size, depth);
                load.once();
            }
        }

        @Override
        public Done run(LoadProcess load, int port, long millis) {
            return load.run(millis, active);
        }

        @Override
        public void close(LoadProcess load) {
            load.disconnect();
        }
    }

    /**
     * Messages that begin with their length, and come back as they are after having been parsed and written anew.
     *
     * @param connections each with so many messages in flight
     * @param size bytes of a message, with its length
     */
    record Frames(String label, int connections, int size, int depth) implements Shape {

        @Override
        public Service service() {
            return new Service(Mode.FRAMES, 1, Math.max(Echo.SMALLEST_BUFFER, 2 * size * depth));
        }

        @Override
        public void open(LoadProcess load, int port) {
            load.openFrames(port, connections, size, depth);
        }

        @Override
        public Done run(LoadProcess load, int port, long millis) {
            return load.run(millis, connections);
        }

        @Override
        public void close(LoadProcess load) {
            load.disconnect();
        }
    }

    /** A page over HTTP, asked for on so many connections, with so many requests in flight on each. */
    record Http(String label, int connections, int depth) implements Shape {

        @Override
        public Service service() {
            return new Service(Mode.HTTP, 1, Echo.SMALLEST_BUFFER);
        }

        @Override
        public void open(LoadProcess load, int port) {
            load.openHttp(port, connections, depth);
        }

        @Override
        public Done run(LoadProcess load, int port, long millis) {
            return load.run(millis, connections);
        }

        @Override
        public void close(LoadProcess load) {
            load.disconnect();
        }
    }

    /** Connections that are made for one request each, so many at a time. */
    record Churn(String label, int visitors, int size) implements Shape {

        @Override
        public Service service() {
            return new Service(Mode.ECHO, 1, Math.max(Echo.SMALLEST_BUFFER, 2 * size));
        }

        @Override
        public void open(LoadProcess load, int port) {}

        @Override
        public Done run(LoadProcess load, int port, long millis) {
            return load.churn(port, visitors, size, millis);
        }

        @Override
        public void close(LoadProcess load) {}
    }

    /** Bytes from the server to the generator, written in blocks. */
    record Stream(String label, int connections, int block) implements Shape {

        private static final int BYTES_A_REQUEST = 4 << 20;

        @Override
        public Service service() {
            return new Service(Mode.SOURCE, block, Echo.SMALLEST_BUFFER);
        }

        @Override
        public void open(LoadProcess load, int port) {}

        @Override
        public Done run(LoadProcess load, int port, long millis) {
            return load.drain(port, connections, block, BYTES_A_REQUEST / block, millis);
        }

        @Override
        public void close(LoadProcess load) {}
    }

    /** A file from the server to the generator, again and again, of {@code size} bytes. */
    record Download(String label, int connections, int size) implements Shape {

        @Override
        public Service service() {
            return service(Mode.FILE);
        }

        /** The same, by another way of sending it. */
        Service service(Mode mode) {
            return new Service(mode, size, Echo.SMALLEST_BUFFER);
        }

        @Override
        public void open(LoadProcess load, int port) {}

        @Override
        public Done run(LoadProcess load, int port, long millis) {
            return load.drain(port, connections, size, 1, millis);
        }

        @Override
        public void close(LoadProcess load) {}

        @Override
        public Shape toward(Entrant contender) {
            return contender instanceof FileContender sender && sender.server() == Contender.NGINX
                    ? new HttpDownload(this) : this;
        }
    }

    /** The same file, asked for over HTTP. */
    record HttpDownload(Download download) implements Shape {

        @Override
        public String label() {
            return download.label;
        }

        @Override
        public Service service() {
            return download.service();
        }

        @Override
        public void open(LoadProcess load, int port) {
            load.openFile(port, download.connections, download.size);
        }

        @Override
        public Done run(LoadProcess load, int port, long millis) {
            return load.run(millis, download.connections);
        }

        @Override
        public void close(LoadProcess load) {
            load.disconnect();
        }
    }
}
