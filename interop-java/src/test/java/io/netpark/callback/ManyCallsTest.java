package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Calls that follow from calls do not pile up on the stack. */
@Timeout(60)
class ManyCallsTest {

    @ParameterizedTest
    @CsvSource({"loop, 1000000", "caller, 100000"})
    void aMillionTimesAgain(String threads, int calls) throws Exception {
        CompletableFuture<Integer> deepest = new CompletableFuture<>();
        AtomicReference<Throwable> cause = new AtomicReference<>();
        int[] count = new int[1];
        CallbackServer.Builder builder = CallbackServer.builder().loops(1)
                .onClose((connection, why) -> cause.set(why));
        RequestHandler[] self = new RequestHandler[1];
        self[0] = (connection, in) -> {
            if (++count[0] == calls) {
                deepest.complete(new Throwable().getStackTrace().length);
                return;
            }
            switch (count[0] % 4) {
                case 0 -> connection.requestAgain();
                case 1 -> {
                    connection.pauseReading();
                    connection.resumeReading();
                    connection.requestAgain();
                }
                case 2 -> {
                    connection.requestAgain();
                    connection.requestAgain();
                }
                default -> connection.onRequest(self[0]);
            }
        };
        builder.onRequest(self[0]);
        if (threads.equals("caller")) {
            builder.workers(Workers.on(Runnable::run, connection -> Rejection.CLOSE));
        }
        try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            int depth = deepest.get(50, TimeUnit.SECONDS);
            assertEquals(0, depth / 100, "deep: " + depth);
            assertNull(cause.get());
        }
    }
}
