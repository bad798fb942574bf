package io.netpark.callback;

import static io.netpark.callback.Between.get;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.pool.PoolOptions;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The longest time there is stands for no time at all, and hides no other. */
@Timeout(60)
class EndlessTimesTest {

    private static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE, 999_999_999);

    @Test
    void everyTimeMayBeEndless() throws Exception {
        Support.Reports reports = new Support.Reports();
        CompletableFuture<ScheduledFuture<?>> deadline = new CompletableFuture<>();
        try (EventLoopGroup group = Support.group(1, reports);
                CallbackServer server = CallbackServer.builder().group(group)
                        .idleTimeout(FOREVER).readTimeout(FOREVER).writeTimeout(FOREVER)
                        .onConnect(connection -> {
                            connection.setReadTimeout(FOREVER);
                            connection.setWriteTimeout(FOREVER);
                            deadline.complete(connection.limit(FOREVER, "a handshake"));
                        })
                        .onRequest((connection, in) -> {
                            connection.write(in);
                            connection.closeLingering(FOREVER);
                        }).listen(Support.loopback());
                CallbackClient client = CallbackClient.builder().group(group).connectTimeout(FOREVER).idleTimeout(FOREVER).open();
                Socket socket = Support.connect(server)) {
            CallbackPool pool = client.newPool(PoolOptions.DEFAULT, FOREVER, connection -> CompletableFuture.completedFuture(true));
            get(pool.borrow(server.localAddress(), FOREVER, Between.NONE)).discard();
            get(deadline);
            group.first().schedule(() -> 1, 1, TimeUnit.MILLISECONDS).get(10, TimeUnit.SECONDS); // other timers are seen
            Support.send(socket, "x");
            assertEquals("x", Support.receiveAll(socket));
            assertTrue(get(deadline).cancel(false));
            assertEquals(0, get(server.shutdownAsync(new Shutdown(Duration.ZERO, FOREVER, FOREVER, false))).cut());
        }
        assertEquals(List.of(), List.copyOf(reports.causes));
    }
}
