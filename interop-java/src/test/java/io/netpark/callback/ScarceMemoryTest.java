package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Many messages that are not complete, and a pool that has no room for them. */
@Timeout(60)
class ScarceMemoryTest {

    private static final int LIMIT = 1024 * 1024;
    private static final int CLIENTS = 150;
    private static final int HALF = 10_000;

    @ParameterizedTest
    @MethodSource("io.netpark.callback.Support#threads")
    void nobodyGoesBeyondTheLimitAndNobodyWaitsForEver(String threads) throws Exception {
        SegmentPool pool = SegmentPool.builder().limit(LIMIT).build();
        ConcurrentLinkedQueue<Throwable> causes = new ConcurrentLinkedQueue<>();
        AtomicInteger closed = new AtomicInteger();
        AtomicLong most = new AtomicLong();
        List<Socket> sockets = new ArrayList<>();
        try (Workers workers = threads.equals("pool") ? Workers.pool(CLIENTS, CLIENTS) : Support.workers(threads)) {
            CallbackServer.Builder builder = Support.server().loops(1).segments(pool)
                    .onInput((connection, in) -> {
                        most.accumulateAndGet(pool.statistics().allocatedBytes(), Math::max);
                        if (workers != null ? connection.awaitInput(2 * HALF) : in.missing(2 * HALF) == 0) {
                            in.skip(2 * HALF);
                            connection.write(Support.bytes("!"));
                        }
                    })
                    .onClose((connection, cause) -> {
                        if (cause != null) {
                            causes.add(cause);
                        }
                        closed.incrementAndGet();
                    });
            if (workers != null) {
                builder.workers(workers);
            }
            try (CallbackServer server = builder.listen(Support.loopback())) {
                for (int i = 0; i < CLIENTS; i++) {
                    sockets.add(Support.connect(server));
                    Support.send(sockets.get(i), "x".repeat(HALF));
                }
                for (Socket socket : sockets) {
                    try {
                        socket.getOutputStream().write(new byte[HALF]);
                    } catch (IOException e) {
                        // It has been closed.
                    }
                }
                int answered = 0;
                for (Socket socket : sockets) {
                    try {
                        answered += socket.getInputStream().read() == '!' ? 1 : 0;
                    } catch (SocketTimeoutException e) {
                        throw new AssertionError("neither answered nor closed, after " + answered + ": " + pool, e);
                    } catch (IOException e) {
                        // It has been closed.
                    }
                }
                assertTrue(answered > 0, "none");
                for (Socket socket : sockets) {
                    socket.close();
                }
                Support.await("all have gone", () -> closed.get() == CLIENTS);
                assertTrue(most.get() <= LIMIT + 64 * 1024, "as much as " + most);
                for (Throwable cause : causes) {
                    if (!(cause instanceof NetparkException.Reset)) {
                        assertInstanceOf(NetparkException.LimitExceeded.class, cause);
                    }
                }
            }
        } finally {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
        Support.await("segments: " + pool, () -> pool.statistics().lentSegments() == 0);
        assertEquals(0, pool.statistics().lost());
    }
}
