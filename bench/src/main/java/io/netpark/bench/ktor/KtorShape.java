package io.netpark.bench.ktor;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.run.Entrant;
import io.netpark.bench.run.Folders;
import io.netpark.bench.run.LoadProcess;
import io.netpark.bench.run.LoadProcess.Done;
import io.netpark.bench.run.Shape;
import io.netpark.bench.server.Block;
import io.netpark.bench.server.Service;
import io.netpark.bench.server.Service.Mode;
import io.netpark.bench.tls.Protocol;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What is asked of an engine of Ktor.
 *
 * @param connections each with so many requests in flight
 * @param encrypted whether by HTTPS
 */
public record KtorShape(String label, What what, int connections, int depth, boolean encrypted) implements Shape {

    /** Bytes of the file. */
    public static final int FILE = 1 << 20;
    /** Bytes of a request's body. */
    private static final int UPLOAD = 64 << 10;

    /** Which page. */
    public enum What {
        /** A greeting, 13 bytes. */
        PLAINTEXT,
        /** An object with one member. */
        JSON,
        /** {@link #FILE} bytes of a file. */
        FILE,
        /** {@link #UPLOAD} bytes to the server, which answers how many they were. */
        UPLOAD
    }

    /** The file that servers serve, of {@link #FILE} bytes. Ktor opens it by its name for each answer. */
    public static Path file() {
        Path file = Folders.target().resolve("ktor-file.bin");
        try {
            return Files.exists(file) && Files.size(file) == FILE ? file : Files.write(file, Block.bytes(FILE));
        } catch (IOException e) {
            throw new BenchFailure(file + " cannot be written: " + e.getMessage());
        }
    }

    @Override
    public Service service() {
        return new Service(Mode.HTTP, FILE, 512);
    }

    @Override
    public void open(LoadProcess load, int port) {
        if (encrypted) {
            load.encrypt(Protocol.TLS_1_3, false);
        }
        switch (what) {
            case PLAINTEXT -> load.openHttp(port, connections, depth);
            case JSON -> load.openJson(port, connections, depth);
            case FILE -> load.openFile(port, connections, FILE);
            case UPLOAD -> load.openUpload(port, connections, UPLOAD);
        }
    }

    @Override
    public Done run(LoadProcess load, int port, long millis) {
        return load.run(millis, connections);
    }

    @Override
    public void close(LoadProcess load) {
        load.disconnect();
    }

    @Override
    public Shape toward(Entrant contender) {
        return contender == KtorContender.NULL ? new Ordered(this) : this;
    }

    /** What an engine without a network is told to do by itself. */
    private record Ordered(KtorShape shape) implements Shape {

        private static final int PATIENCE_MILLIS = 20_000;

        @Override
        public String label() {
            return shape.label;
        }

        @Override
        public Service service() {
            return shape.service();
        }

        @Override
        public void open(LoadProcess load, int port) {}

        @Override
        public Done run(LoadProcess load, int port, long millis) {
            String order = switch (shape.what) {
                case PLAINTEXT -> "GET /plaintext 0 ";
                case JSON -> "GET /json 0 ";
                case FILE -> "GET /file 0 ";
                case UPLOAD -> "POST /upload " + UPLOAD + " ";
            };
            try (Socket socket = new Socket(InetAddress.getByName("127.0.0.1"), port)) {
                socket.setSoTimeout((int) millis + PATIENCE_MILLIS);
                socket.getOutputStream().write((order + millis + "\n").getBytes(StandardCharsets.US_ASCII));
                String answer = new BufferedReader(
                        new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII)).readLine();
                if (answer == null) {
                    throw new BenchFailure("the null engine has failed; see its messages");
                }
                return LoadProcess.done("ok " + answer);
            } catch (IOException e) {
                throw new BenchFailure("the null engine does not answer: " + e.getMessage());
            }
        }

        @Override
        public void close(LoadProcess load) {}
    }
}
