package io.netpark.bench.own;

import io.netpark.bench.server.NetparkCallbackServer;
import io.netpark.bench.server.Service;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** A server whose own cost is measured, and what it is asked. */
enum Subject {
    ECHO_COROUTINE("echo-coroutine", new byte[0], 1024) {
        @Override
        Served serve(Consumer<EventLoopGroup.Builder> loops) {
            return CoroutineServers.serve(new Service(Service.Mode.ECHO, 0, 0), loops);
        }
    },
    ECHO_CALLBACK("echo-callback", new byte[0], 1024) {
        @Override
        Served serve(Consumer<EventLoopGroup.Builder> loops) throws Exception {
            return serveByCallbacks(Service.Mode.ECHO, loops);
        }
    },
    FRAME_COROUTINE("frame-coroutine", lengthOf(1024), Integer.BYTES + 1024) {
        @Override
        Served serve(Consumer<EventLoopGroup.Builder> loops) {
            return CoroutineServers.serve(new Service(Service.Mode.FRAMES, 0, 0), loops);
        }
    },
    FRAME_CALLBACK("frame-callback", lengthOf(1024), Integer.BYTES + 1024) {
        @Override
        Served serve(Consumer<EventLoopGroup.Builder> loops) throws Exception {
            return serveByCallbacks(Service.Mode.FRAMES, loops);
        }
    },
    HTTP_COROUTINE("http-coroutine", get(), get().length) {
        @Override
        Served serve(Consumer<EventLoopGroup.Builder> loops) {
            return CoroutineServers.serveHttp(loops);
        }
    };

    private final String label;
    private final byte[] head;
    private final int length;

    Subject(String label, byte[] head, int length) {
        this.label = label;
        this.head = head;
        this.length = length;
    }

    /** A server that listens, and its only loop. */
    record Served(EventLoopGroup group, int port) {
        EventLoop loop() {
            return group.loops().get(0);
        }
    }

    static Subject of(String label) {
        for (Subject subject : values()) {
            if (subject.label.equals(label)) {
                return subject;
            }
        }
        throw new IllegalArgumentException("no such server: " + label);
    }

    String label() {
        return label;
    }

    /** What its requests begin with. What follows does not matter. */
    byte[] head() {
        return head;
    }

    /** How long a request is, in bytes. */
    int length() {
        return length;
    }

    /** Has it listen at 127.0.0.1, on one loop that is as {@code loops} says. */
    abstract Served serve(Consumer<EventLoopGroup.Builder> loops) throws Exception;

    private static Served serveByCallbacks(Service.Mode mode, Consumer<EventLoopGroup.Builder> loops) throws Exception {
        EventLoopGroup.Builder builder = EventLoopGroup.builder();
        loops.accept(builder);
        EventLoopGroup group = builder.open();
        return new Served(group, new NetparkCallbackServer(group).start(new Service(mode, 0, 0)));
    }

    private static byte[] get() {
        return "GET /plaintext HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] lengthOf(int payload) {
        return ByteBuffer.allocate(Integer.BYTES).putInt(payload).array();
    }
}
