package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.pool.Eviction;
import io.netpark.core.pool.PoolOptions;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Pooled connections for Java, over every binding and poller. What the engine decides is tested where it is. */
class CallbackPoolTest {

    private static final Callbacks NONE = Callbacks.builder().build();

    static List<Support.Platform> platforms() {
        return Support.platforms();
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return Support.get(future);
    }

    private static Throwable failure(CompletableFuture<?> future) {
        return assertThrows(ExecutionException.class, () -> get(future)).getCause();
    }

    private static CallbackServer echo(EventLoopGroup group) throws NetparkException {
        return Support.server().group(group).onRequest((connection, in) -> connection.write(in))
                .listen(Support.loopback());
    }

    /** Borrows, asks, gives back, and completes with the answer. */
    private static CompletableFuture<String> ask(CallbackPool pool, CallbackServer server, String question) {
        CompletableFuture<CallbackLease> lent = new CompletableFuture<>();
        CompletableFuture<String> answer = new CompletableFuture<>();
        pool.borrow(server.localAddress(), Callbacks.builder()
                .onRequest((connection, in) -> {
                    if (in.remaining() >= question.length()) {
                        String text = Support.take(in);
                        lent.thenAccept(lease -> {
                            lease.giveBack();
                            answer.complete(text);
                        });
                    }
                })
                .onClose((connection, cause) -> answer.completeExceptionally(
                        cause != null ? cause : new IllegalStateException("closed before the answer")))
                .build()).whenComplete((lease, failure) -> {
                    if (failure != null) {
                        answer.completeExceptionally(failure);
                        return;
                    }
                    lent.complete(lease);
                    lease.connection().writeAsync(Support.bytes(question));
                });
        return answer;
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void aConnectionThatWasGivenBackIsLentAgain(Support.Platform platform) throws Exception {
        try (EventLoopGroup group = platform.group().loops(2).open();
                CallbackServer server = echo(group);
                CallbackClient client = Support.client().group(group).open();
                CallbackPool pool = client.newPool(PoolOptions.DEFAULT)) {
            for (int i = 0; i < 20; i++) {
                assertEquals("question " + i, get(ask(pool, server, "question " + i)));
                int borrowed = i + 1;
                Support.await("given back", () -> pool.snapshot().idle() == 1 && pool.snapshot().borrowed() == borrowed);
            }
            assertEquals(1, pool.snapshot().created());
            assertEquals(1, server.connections());
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void aLeaseEndsOnceAndForItsCallbacksTheConnectionWithIt(Support.Platform platform) throws Exception {
        Queue<String> events = new ConcurrentLinkedQueue<>();
        try (EventLoopGroup group = platform.group().loops(1).open();
                CallbackServer server = echo(group);
                CallbackClient client = Support.client().group(group).open();
                CallbackPool pool = client.newPool(PoolOptions.DEFAULT)) {
            for (int i = 0; i < 2; i++) {
                CallbackLease lease = get(pool.borrow(server.localAddress(), Callbacks.builder()
                        .onConnect(connection -> events.add("connect"))
                        .onDisconnect((connection, cause) -> events.add("disconnect"))
                        .onClose((connection, cause) -> events.add("close " + cause)).build()));
                lease.giveBack();
                assertThrows(IllegalStateException.class, lease::giveBack);
                lease.discard();
                assertFalse(lease.isLent());
                Support.await("idle", () -> pool.snapshot().idle() == 1);
                assertFalse(lease.connection().isOpen());
                assertThrows(NetparkException.Closed.class, () -> lease.connection().write(Support.bytes("late")));
            }
            Support.await("all is told", () -> events.size() == 6);
            assertEquals(List.of("connect", "disconnect", "close null", "connect", "disconnect", "close null"), List.copyOf(events));
            assertEquals(1, pool.snapshot().created());
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void nothingIsCopiedToOrFromAConnectionThatIsAnothersByNow(Support.Platform platform) throws Exception {
        StringBuffer heard = new StringBuffer();
        try (EventLoopGroup group = platform.group().loops(1).open();
                CallbackServer server = echo(group);
                CallbackClient client = Support.client().group(group).open();
                CallbackPool pool = client.newPool(PoolOptions.DEFAULT)) {
            CallbackLease before = get(pool.borrow(server.localAddress(), NONE));
            CallbackConnection stale = before.connection();
            before.giveBack();
            Support.await("idle", () -> pool.snapshot().idle() == 1);
            CallbackLease lease = get(pool.borrow(server.localAddress(), Callbacks.builder()
                    .onRequest((connection, in) -> heard.append(Support.take(in))).build()));
            assertEquals(1, pool.snapshot().created());
            CallbackConnection other = get(client.dial(server.localAddress(), NONE));
            other.pauseReading();
            other.write(Support.bytes("not for you"));
            assertInstanceOf(NetparkException.Closed.class, failure(other.copyTo(stale)));
            CallbackConnection third = get(client.dial(server.localAddress(), NONE));
            assertInstanceOf(NetparkException.Closed.class, failure(stale.copyTo(third)));
            lease.connection().write(Support.bytes("mine"));
            Support.await("the answer", () -> heard.toString().equals("mine"));
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void whatIsLeftOfAnExchangeIsNobodyElses(Support.Platform platform) throws Exception {
        try (EventLoopGroup group = platform.group().loops(1).open();
                CallbackServer server = echo(group);
                CallbackClient client = Support.client().group(group).open();
                CallbackPool pool = client.newPool(PoolOptions.DEFAULT)) {
            // Bytes that the callback leaves, a callback that gives back in its midst and leaves, an answer still to come.
            CompletableFuture<Void> seen = new CompletableFuture<>();
            CallbackLease leaves = get(pool.borrow(server.localAddress(),
                    Callbacks.builder().onRequest((connection, in) -> seen.complete(null)).build()));
            leaves.connection().write(Support.bytes("x"));
            get(seen);
            leaves.giveBack();
            CompletableFuture<CallbackLease> self = new CompletableFuture<>();
            pool.borrow(server.localAddress(), Callbacks.builder()
                    .onRequest((connection, in) -> self.join().giveBack()).build()).thenAccept(lease -> {
                        self.complete(lease);
                        lease.connection().writeAsync(Support.bytes("x"));
                    });
            Support.await("both gone", () -> pool.snapshot().created() == 2 && pool.snapshot().open() == 0);
            CallbackLease asks = get(pool.borrow(server.localAddress(),
                    Callbacks.builder().onConnect(CallbackConnection::pauseReading).build()));
            get(asks.connection().writeAsync(Support.bytes("x")));
            asks.giveBack();
            Support.await("gone", () -> pool.snapshot().open() == 0);
            CallbackLease fails = get(pool.borrow(server.localAddress(), Callbacks.builder()
                    .onRequest((connection, in) -> {
                        throw new IllegalStateException("mine");
                    }).build()));
            fails.connection().write(Support.bytes("x"));
            Support.await("gone", () -> pool.snapshot().open() == 0);
            Support.await("its lease has ended", () -> !fails.isLent());
            assertEquals("y", get(ask(pool, server, "y")));
            assertEquals(5, pool.snapshot().created());
        }
    }

    /** It takes no more bytes, and its peer must not take those that it has got for all. */
    @ParameterizedTest
    @MethodSource("platforms")
    void aConnectionToWhichACopyHasFailedInTheMidstIsNobodyElses(Support.Platform platform) throws Exception {
        Callbacks paused = Callbacks.builder().onConnect(CallbackConnection::pauseReading).build();
        try (EventLoopGroup group = platform.group().loops(1).open();
                ServerSocket service = Support.listen();
                CallbackClient client = CallbackClient.builder().group(group).options(NetOptions.DEFAULT.withSendBuffer(65_536)).open();
                CallbackPool pool = client.newPool(PoolOptions.DEFAULT);
                CallbackPair pair = client.pair(paused, paused)) {
            service.setReceiveBufferSize(65_536); // and nobody reads: soon it is full for good
            CallbackLease lease = get(pool.borrow(service.getLocalSocketAddress(), NONE));
            CallbackConnection target = lease.connection();
            try (Socket socket = service.accept()) {
                CompletableFuture<Long> copy = pair.first().copyTo(target);
                pair.second().write(ByteBuffer.allocate(10_000_000));
                for (int calm = 0; calm < 100; calm++) {
                    Support.await("it waits for room", () -> isInTheMidst(target));
                    Support.sleep(1);
                }
                pair.first().close();
                assertInstanceOf(NetparkException.Closed.class, failure(copy));
                assertTrue(target.isOpen());
                lease.giveBack();
                Support.await("gone", () -> pool.snapshot().open() == 0);
                assertThrows(IOException.class, () -> Support.receiveAll(socket));
            }
        }
    }

    /** As its loop sees it, which turns then. */
    private static boolean isInTheMidst(CallbackConnection target) {
        try {
            Future<Boolean> answer = target.loop().submit(target.core::isCutOffByEnd);
            return Support.get(answer);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void borrowersWaitInTurnAndNoLongerThanTheyWant(Support.Platform platform) throws Exception {
        try (EventLoopGroup group = platform.group().loops(2).open();
                CallbackServer server = echo(group);
                CallbackClient client = Support.client().group(group).open();
                CallbackPool pool = client.newPool(PoolOptions.DEFAULT.withMaxConnections(1))) {
            CallbackLease first = get(pool.borrow(server.localAddress(), NONE));
            NetparkException.TimedOut timedOut = assertInstanceOf(NetparkException.TimedOut.class,
                    failure(pool.borrow(server.localAddress(), Duration.ofMillis(50), NONE)));
            assertEquals(NetparkException.Timeout.BORROW, timedOut.timeout());
            List<Integer> order = new ArrayList<>();
            List<CompletableFuture<?>> waiting = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                int number = i;
                CompletableFuture<CallbackLease> lease = pool.borrow(server.localAddress(), NONE);
                waiting.add(lease.thenAccept(got -> {
                    order.add(number);
                    got.giveBack();
                }));
            }
            CompletableFuture<CallbackLease> cancelled = pool.borrow(server.localAddress(), NONE);
            cancelled.cancel(true);
            Support.await("waiting", () -> pool.snapshot().waiting() == 5);
            first.giveBack();
            for (CompletableFuture<?> each : waiting) {
                get(each);
            }
            assertEquals(List.of(0, 1, 2, 3, 4), order);
            assertEquals(1, pool.snapshot().created());
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void aCheckRejectsConnectionsThatHaveBeenIdle(Support.Platform platform) throws Exception {
        AtomicInteger checks = new AtomicInteger();
        try (EventLoopGroup group = platform.group().loops(1).open();
                CallbackServer server = echo(group);
                CallbackClient client = Support.client().group(group).open();
                CallbackPool pool = client.newPool(PoolOptions.DEFAULT, Duration.ZERO, connection -> {
                    CompletableFuture<Boolean> good = new CompletableFuture<>();
                    connection.onRequest((checked, in) -> {
                        if (in.remaining() >= 4) {
                            assertEquals("PING", Support.take(in));
                            good.complete(checks.incrementAndGet() > 1);
                        }
                    });
                    connection.write(Support.bytes("PING"));
                    return good;
                })) {
            List<CallbackLease> leases = List.of(
                    get(pool.borrow(server.localAddress(), NONE)), get(pool.borrow(server.localAddress(), NONE)));
            assertEquals(0, checks.get());
            leases.forEach(CallbackLease::giveBack);
            Support.await("idle", () -> pool.snapshot().idle() == 2);
            assertEquals("x", get(ask(pool, server, "x")));
            assertEquals(2, checks.get());
            assertEquals(1, pool.snapshot().evicted().get(Eviction.CHECK));
            Support.await("one is left", () -> pool.snapshot().idle() == 1);
        }
    }

    @Test
    void aCheckThatThrowsOrFindsAClosedConnectionRejectsIt() throws Exception {
        AtomicInteger checks = new AtomicInteger();
        try (EventLoopGroup group = Support.group(1, new Support.Reports());
                CallbackServer server = echo(group);
                CallbackClient client = Support.client().group(group).open();
                CallbackPool pool = client.newPool(PoolOptions.DEFAULT, Duration.ZERO, connection -> {
                    if (checks.incrementAndGet() == 1) {
                        throw new IllegalStateException("mine");
                    }
                    connection.close();
                    return new CompletableFuture<>();
                })) {
            List<CallbackLease> leases = List.of(
                    get(pool.borrow(server.localAddress(), NONE)), get(pool.borrow(server.localAddress(), NONE)));
            leases.forEach(CallbackLease::giveBack);
            Support.await("idle", () -> pool.snapshot().idle() == 2);
            assertEquals("x", get(ask(pool, server, "x")));
            assertEquals(2, checks.get());
            assertEquals(2, pool.snapshot().evicted().get(Eviction.CHECK));
        }
    }

    @Test
    void aCheckHasNoMoreTimeThanItsBorrowerAndEndsWithIt() throws Exception {
        AtomicInteger checks = new AtomicInteger();
        try (EventLoopGroup group = Support.group(1, new Support.Reports());
                CallbackServer server = echo(group);
                CallbackClient client = Support.client().group(group).open();
                CallbackPool pool = client.newPool(PoolOptions.DEFAULT, Duration.ZERO,
                        connection -> checks.incrementAndGet() == 1 ? null : new CompletableFuture<>())) {
            List<CallbackLease> leases = List.of(get(pool.borrow(server.localAddress(), NONE)),
                    get(pool.borrow(server.localAddress(), NONE)), get(pool.borrow(server.localAddress(), NONE)));
            leases.forEach(CallbackLease::giveBack);
            Support.await("idle", () -> pool.snapshot().idle() == 3);
            // The first check returns nothing; the second never ends, and takes the borrower's time with it.
            Throwable failure = failure(pool.borrow(server.localAddress(), Duration.ofMillis(1000), NONE));
            assertEquals(NetparkException.Timeout.BORROW,
                    assertInstanceOf(NetparkException.TimedOut.class, failure).timeout());
            assertEquals(2, checks.get());
            CompletableFuture<CallbackLease> cancelled = pool.borrow(server.localAddress(), NONE);
            Support.await("checked", () -> checks.get() == 3);
            cancelled.cancel(true);
            Support.await("all rejected", () -> pool.snapshot().open() == 0);
            Support.await("counted", () -> pool.snapshot().evicted().get(Eviction.CHECK) == 3);
        }
    }

    @Test
    void whatABorrowerDoesTooLateTouchesNobody() throws Exception {
        try (EventLoopGroup group = Support.group(1, new Support.Reports());
                CallbackServer server = echo(group);
                CallbackClient client = Support.client().group(group).readTimeout(Duration.ofMillis(600)).open();
                CallbackPool pool = client.newPool(PoolOptions.DEFAULT)) {
            CallbackLease lease = get(pool.borrow(server.localAddress(), NONE).thenApply(lent -> {
                lent.giveBack(); // at once, as its read timeout counts while it is lent
                return lent;
            }));
            Support.await("idle", () -> pool.snapshot().idle() == 1);
            CallbackConnection late = lease.connection();
            late.resumeReading();
            late.setReadTimeout(Duration.ofMillis(1));
            late.setWriteTimeout(Duration.ofMillis(1));
            assertThrows(NetparkException.Closed.class, () -> late.setOption(io.netpark.core.net.options.NetOption.CORK, true));
            late.close();
            Support.sleep(1000);
            assertEquals(1, pool.snapshot().idle(), () -> pool.snapshot().toString());
        }
    }

    @Test
    void closingTheClientClosesThePoolAndTellsThoseWhoWait() throws Exception {
        try (EventLoopGroup group = Support.group(1, new Support.Reports()); CallbackServer server = echo(group)) {
            CallbackClient client = Support.client().group(group).open();
            CallbackPool pool = client.newPool(PoolOptions.DEFAULT.withMaxConnections(1));
            CallbackLease lease = get(pool.borrow(server.localAddress(), NONE));
            CompletableFuture<CallbackLease> waiting = pool.borrow(server.localAddress(), NONE);
            client.close();
            assertInstanceOf(NetparkException.Closed.class, failure(waiting));
            assertInstanceOf(NetparkException.Closed.class, failure(pool.borrow(server.localAddress(), NONE)));
            Support.await("closed", () -> !lease.connection().isOpen() && pool.snapshot().open() == 0);
            assertThrows(IllegalArgumentException.class, () -> pool.borrow(new InetSocketAddress("127.0.0.1", 0), NONE));
            assertThrows(IllegalArgumentException.class, () -> pool.borrow("host", 0, NONE));
        }
    }

    @Test
    void workersMayBorrowUseAndGiveBack() throws Exception {
        try (EventLoopGroup group = Support.group(2, new Support.Reports());
                Workers workers = Support.pool(2, 100);
                CallbackServer server = echo(group);
                CallbackClient client = Support.client().group(group).workers(workers).open();
                CallbackPool pool = client.newPool(PoolOptions.DEFAULT.withMaxConnections(3))) {
            List<CompletableFuture<String>> answers = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                answers.add(ask(pool, server, "question " + i));
            }
            for (int i = 0; i < 200; i++) {
                assertEquals("question " + i, get(answers.get(i)));
            }
            assertTrue(pool.snapshot().created() <= 3, () -> pool.snapshot().toString());
        }
    }
}
