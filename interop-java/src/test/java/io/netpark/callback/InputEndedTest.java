package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.Socket;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whether anything else is to come. */
@Timeout(60)
class InputEndedTest {

    static List<String> threads() {
        return Support.threads();
    }

    @ParameterizedTest
    @MethodSource("threads")
    void theLastCallCanAskWhetherItIsTheLast(String threads) throws Exception {
        CountDownLatch firstCall = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        StringBuffer seen = new StringBuffer();
        CompletableFuture<CallbackConnection> connected = new CompletableFuture<>();
        CompletableFuture<Boolean> closed = new CompletableFuture<>();
        try (Workers workers = Support.workers(threads)) {
            CallbackServer.Builder builder = Support.server().loops(1).onConnect(connected::complete)
                    .onRequest((connection, in) -> {
                        seen.append(Support.take(in)).append(connection.isInputEnded() ? "|" : "-");
                        firstCall.countDown();
                        ended.await(); // the rest and the end are in the socket when this is asked again
                    })
                    .onHalfClose(connection -> {
                        seen.append(connection.isInputEnded() ? "." : "?");
                        connection.closeAfterWrites();
                    })
                    .onClose((connection, cause) -> closed.complete(connection.isInputEnded()));
            if (workers != null) {
                builder.workers(workers);
            }
            try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
                Support.send(socket, "first");
                firstCall.await();
                Support.send(socket, "last");
                socket.shutdownOutput();
                if (workers != null) { // else the loop is in the callback, and finds both in the socket
                    Support.await("all is here", () -> connected.join().input.isEnded());
                }
                ended.countDown();
                assertTrue(closed.get(10, TimeUnit.SECONDS));
                assertEquals("first-last|.", seen.toString());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void whileAnythingIsToComeItHasNotEnded(String threads) throws Exception {
        CompletableFuture<Boolean> answer = new CompletableFuture<>();
        try (Workers workers = Support.workers(threads)) {
            CallbackServer.Builder builder = Support.server().loops(1)
                    .onRequest((connection, in) -> answer.complete(connection.isInputEnded()));
            if (workers != null) {
                builder.workers(workers);
            }
            try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
                Support.send(socket, "x");
                assertFalse(answer.get(10, TimeUnit.SECONDS));
            }
        }
    }
}
