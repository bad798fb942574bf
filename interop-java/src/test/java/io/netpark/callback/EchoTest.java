package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netpark.core.loop.EventLoopGroup;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class EchoTest {

    private static final int BYTES = 300_000;

    /** A schedule looks after each of their threads. */
    private final int clients = ScheduledRun.isOn() ? 5 : 40;

    static Stream<Arguments> platforms() {
        return Support.platforms().stream()
                .flatMap(platform -> Stream.of("127.0.0.1", "::1").map(host -> Arguments.of(platform, host)));
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void manyClientsGetTheirOwnBytesBack(Support.Platform platform, String host) throws Exception {
        AtomicInteger connected = new AtomicInteger();
        AtomicInteger closed = new AtomicInteger();
        Support.Reports reports = new Support.Reports();
        try (EventLoopGroup group = platform.group().loops(2).reporter(reports).open();
                CallbackServer server = Support.server()
                        .group(group)
                        .onConnect(connection -> connected.incrementAndGet())
                        .onRequest((connection, in) -> connection.write(in))
                        .onClose((connection, cause) -> {
                            assertEquals(null, cause);
                            closed.incrementAndGet();
                        })
                        .listen(new InetSocketAddress(host, 0))) {
            List<Future<?>> ends = new ArrayList<>();
            for (int i = 0; i < clients; i++) {
                Socket socket = Support.connect(server);
                long stream = i;
                ends.add(Support.start(() -> sendPieces(socket, stream)));
                ends.add(Support.start(() -> {
                    Support.assertPattern(stream, BYTES, socket.getInputStream());
                    assertEquals(-1, socket.getInputStream().read());
                    socket.close();
                    return null;
                }));
            }
            for (Future<?> end : ends) {
                Support.get(end);
            }
            Support.await("all closed", () -> server.connections() == 0);
            assertEquals(clients, connected.get());
            assertEquals(clients, closed.get());
            assertEquals(List.of(), List.copyOf(reports.causes));
        }
    }

    /** Of all sizes, and then a half-close. */
    private static Void sendPieces(Socket socket, long stream) throws Exception {
        byte[] bytes = Support.patternBytes(stream, BYTES);
        OutputStream out = socket.getOutputStream();
        for (int at = 0, size = 1; at < BYTES; size = size * 3 + 1) {
            int part = Math.min(size, BYTES - at);
            out.write(bytes, at, part);
            at += part;
        }
        socket.shutdownOutput();
        return null;
    }
}
