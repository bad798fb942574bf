package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netpark.core.loop.EventLoopGroup;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Callbacks of one connection that wait for those of another, as a gateway's do. */
@Timeout(60)
class MutualWaitTest {

    /** Asks a service that says "pong", and waits for its answer in the callback. */
    private static final class Gateway implements Closeable {
        private final EventLoopGroup group = Support.group(1, new Support.Reports());
        private final ServerSocket service = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        private final CallbackClient client;
        private final CallbackServer server;
        private final CountDownLatch timedOut = new CountDownLatch(1);

        Gateway(Workers ofServer, Workers ofClient, long millis) throws Exception {
            client = CallbackClient.builder().group(group).workers(ofClient).open();
            server = CallbackServer.builder().group(group).workers(ofServer).onRequest((connection, in) -> {
                in.position(in.limit());
                CompletableFuture<String> answer = new CompletableFuture<>();
                client.dial(service.getLocalSocketAddress(), Callbacks.builder()
                        .onRequest((upstream, bytes) -> answer.complete(Support.take(bytes))).build());
                try {
                    connection.write(Support.bytes(answer.get(millis, TimeUnit.MILLISECONDS)));
                } catch (TimeoutException e) {
                    timedOut.countDown();
                    connection.write(Support.bytes("late"));
                }
            }).listen(Support.loopback());
        }

        String ask() throws Exception {
            try (Socket socket = Support.connect(server)) {
                Support.send(socket, "ping");
                try (Socket asked = service.accept()) {
                    Support.send(asked, "pong");
                    return Support.receive(socket, 4);
                }
            }
        }

        @Override
        public void close() throws IOException {
            server.close();
            client.close();
            service.close();
            group.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"one thread", "virtual"})
    void eachKindHasWorkersOfItsOwn(String kind) throws Exception {
        try (Workers ofServer = WorkersTest.workers(kind);
                Workers ofClient = WorkersTest.workers(kind);
                Gateway gateway = new Gateway(ofServer, ofClient, Support.TIMEOUT_MILLIS)) {
            assertEquals("pong", gateway.ask());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"virtual", "four threads"})
    void thereIsAThreadLeft(String kind) throws Exception {
        try (Workers workers = WorkersTest.workers(kind);
                Gateway gateway = new Gateway(workers, workers, Support.TIMEOUT_MILLIS)) {
            assertEquals("pong", gateway.ask());
        }
    }

    /** What is documented of a pool that has no thread left: only the end of the wait frees one. */
    @Test
    void theOnlyThreadWaitsForItselfUntilTheWaitEnds() throws Exception {
        try (Workers workers = Workers.pool(1, 10); Gateway gateway = new Gateway(workers, workers, 100)) {
            assertEquals("late", gateway.ask());
            assertEquals(0, gateway.timedOut.getCount());
        }
    }
}
