package io.netpark.callback;

import static io.netpark.callback.Support.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.loop.EventLoopGroup;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Thousands of relays between which nothing moves. */
@Timeout(120)
class IdleRelaysTest {

    private static final int RELAYS = 2000;
    /** So many dial at a time: a listener's backlog is short on some machines. */
    private static final int AT_ONCE = 100;
    /** Some have had a stream that was worth a pipe. */
    private static final int SPLICED = 100;
    private static final int STREAM = 300_000;
    private static final int GREETING = 10;

    private final SegmentPool pool = SegmentPool.builder().build();
    private final Support.Reports reports = new Support.Reports();
    private final AtomicLong answered = new AtomicLong();
    private final AtomicLong carried = new AtomicLong();
    private final AtomicInteger over = new AtomicInteger();

    private static long descriptorLimit() throws Exception {
        String line = Files.readAllLines(Path.of("/proc/self/limits")).stream()
                .filter(limit -> limit.startsWith("Max open files")).findFirst().orElseThrow();
        String soft = line.substring("Max open files".length()).trim().split("\\s+")[0];
        return soft.equals("unlimited") ? Long.MAX_VALUE : Long.parseLong(soft);
    }

    @Test
    void holdNeitherPipesNorMemoryAndLeaveNothingBehind() throws Exception {
        int needed = 4 * RELAYS + 500;
        assumeTrue(descriptorLimit() >= needed, "needs " + needed + " descriptors: ulimit -n");
        Support.group(1, reports).close(); // whatever is opened once and for all
        OpenDescriptors before = OpenDescriptors.now();
        try (EventLoopGroup group = Support.group(2, reports)) {
            OpenDescriptors idle = OpenDescriptors.now();
            try (CallbackServer service = CallbackServer.builder().group(group).segments(pool)
                            .onRequest((connection, in) -> connection.write(in)).listen(Support.loopback());
                    CallbackClient upstream = CallbackClient.builder().group(group).segments(pool).open();
                    CallbackServer proxy = CallbackServer.builder().group(group).segments(pool)
                            .onConnect(connection -> relay(connection, upstream, service)).ignoreInput().listen(Support.loopback());
                    CallbackClient client = CallbackClient.builder().group(group).segments(pool).open()) {
                List<CallbackConnection> open = dial(client, proxy);
                long sent = 0;
                for (int i = 0; i < RELAYS; i++) {
                    byte[] bytes = Support.patternBytes(i, i < SPLICED ? STREAM : GREETING);
                    open.get(i).write(ByteBuffer.wrap(bytes));
                    sent += bytes.length;
                }
                long all = sent;
                await("everything has been there and back", () -> answered.get() == all);
                assertEquals(RELAYS, proxy.connections());
                assertEquals(RELAYS, upstream.connections());
                assertEquals(RELAYS, service.connections());
                int ends = 4 * RELAYS + 2; // and two that listen
                idle.awaitOpened(() -> ends + descriptorsOfPipesKept(group));
                assertTrue(descriptorsOfPipesKept(group) > 0, "nothing was spliced");
                await("memory is back", () -> pool.statistics().lentBytes() == 0);
                assertEquals(0, over.get());

                open.forEach(CallbackConnection::close);
                await("all have ended", () -> over.get() == RELAYS && proxy.connections() == 0
                        && upstream.connections() == 0 && service.connections() == 0);
                assertEquals(2 * all, carried.get());
                idle.awaitOpened(() -> 2 + descriptorsOfPipesKept(group));
            }
        }
        before.awaitOpened(0);
        await("memory is back", () -> pool.statistics().lentBytes() == 0);
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    private void relay(CallbackConnection connection, CallbackClient upstream, CallbackServer service) {
        connection.pauseReading();
        upstream.dial(service.localAddress(), Callbacks.builder().build())
                .thenCompose(other -> {
                    CompletableFuture<Relayed> relay = connection.relay(other);
                    connection.resumeReading();
                    return relay;
                })
                .thenAccept(relayed -> {
                    carried.addAndGet(relayed.toOther() + relayed.fromOther());
                    over.incrementAndGet();
                });
    }

    private List<CallbackConnection> dial(CallbackClient client, CallbackServer proxy) throws Exception {
        Callbacks counting = Callbacks.builder().onRequest((connection, in) -> {
            answered.addAndGet(in.remaining());
            in.position(in.limit());
        }).build();
        List<CallbackConnection> open = new ArrayList<>();
        while (open.size() < RELAYS) {
            List<CompletableFuture<CallbackConnection>> dials = new ArrayList<>();
            for (int i = 0; i < AT_ONCE; i++) {
                dials.add(client.dial(proxy.localAddress(), counting));
            }
            for (CompletableFuture<CallbackConnection> dial : dials) {
                open.add(dial.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS));
            }
        }
        return open;
    }

    private static int descriptorsOfPipesKept(EventLoopGroup group) {
        return 2 * group.loops().stream().mapToInt(loop -> loop.pipes().idle()).sum();
    }
}
