package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.pool.PoolOptions;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** What a lease leaves to the next borrower: nothing. */
class CallbackLeaseTest {

    private static final Callbacks NONE = Callbacks.builder().build();

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
    }

    private static CallbackServer echo(EventLoopGroup group) throws NetparkException {
        return CallbackServer.builder().group(group).onRequest((connection, in) -> connection.write(in))
                .listen(Support.loopback());
    }

    /** Asks, and returns the answer. */
    private static String exchange(CallbackLease lease, String question) throws Exception {
        CompletableFuture<String> answer = new CompletableFuture<>();
        lease.connection().onRequest((connection, in) -> {
            if (in.remaining() >= question.length()) {
                answer.complete(Support.take(in));
            }
        });
        lease.connection().onClose((connection, cause) -> answer.completeExceptionally(
                cause != null ? cause : new IllegalStateException("closed before the answer")));
        lease.connection().write(Support.bytes(question));
        return get(answer);
    }

    @Test
    void givingBackWhatThePeerHasClosedMeanwhileIsNoMistake() throws Exception {
        try (EventLoopGroup group = EventLoopGroup.builder().loops(1).daemon(true).open();
                CallbackServer server = CallbackServer.builder().group(group).onConnect(CallbackConnection::close)
                        .ignoreInput()
                        .listen(Support.loopback());
                CallbackClient client = CallbackClient.builder().group(group).open();
                CallbackPool pool = client.newPool(PoolOptions.DEFAULT)) {
            for (int i = 0; i < 5; i++) {
                CallbackLease lease;
                try {
                    lease = get(pool.borrow(server.localAddress(), NONE));
                } catch (ExecutionException e) {
                    continue; // closed before it was lent
                }
                Support.await("closed", () -> !lease.connection().isOpen() && !lease.isLent());
                lease.giveBack();
                assertThrows(IllegalStateException.class, lease::giveBack);
                Support.await("gone", () -> pool.snapshot().open() == 0);
            }
        }
    }

    @Test
    void nothingGoesByAConnectionThatIsBeingGivenBack() throws Exception {
        try (EventLoopGroup group = EventLoopGroup.builder().loops(1).daemon(true).open();
                CallbackServer server = echo(group);
                CallbackClient client = CallbackClient.builder().group(group).open();
                CallbackPool pool = client.newPool(PoolOptions.DEFAULT.withMaxConnections(1))) {
            CallbackLease lease = get(pool.borrow(server.localAddress(), NONE));
            CallbackConnection old = lease.connection();
            CompletableFuture<Void> given = new CompletableFuture<>();
            old.loop().execute(() -> { // giving back is a task of the loop, so it is not done within this
                try {
                    lease.giveBack();
                    assertThrows(NetparkException.Closed.class, () -> old.write(Support.bytes("stray")));
                    assertThrows(NetparkException.Closed.class, () -> old.write(ByteBuffer.allocateDirect(5)));
                    assertTrue(old.writeAsync(Support.bytes("stray")).isCompletedExceptionally());
                    assertFalse(old.isWritable());
                    assertThrows(NetparkException.Closed.class, () -> old.setOption(NetOption.NO_DELAY, false));
                    assertThrows(NetparkException.Closed.class, () -> old.getOption(NetOption.NO_DELAY));
                    assertThrows(NetparkException.Closed.class, old::tcpInfo);
                    given.complete(null);
                } catch (Throwable e) {
                    given.completeExceptionally(e);
                }
            });
            get(given);
            CallbackLease next = get(pool.borrow(server.localAddress(), NONE));
            assertThrows(NetparkException.Closed.class, () -> old.write(Support.bytes("stray")));
            old.close();
            assertEquals("mine", exchange(next, "mine"));
            assertEquals(1, pool.snapshot().created());
            next.giveBack();
        }
    }

    @Test
    void timesThatACheckHasSetAreNotTheBorrowers() throws Exception {
        AtomicReference<CallbackConnection> kept = new AtomicReference<>();
        try (EventLoopGroup group = EventLoopGroup.builder().loops(1).daemon(true).open();
                CallbackServer server = echo(group);
                CallbackClient client = CallbackClient.builder().group(group).open();
                CallbackPool pool = client.newPool(PoolOptions.DEFAULT.withMaxConnections(1), Duration.ZERO, connection -> {
                    kept.set(connection);
                    connection.setReadTimeout(Duration.ofMillis(400));
                    connection.setWriteTimeout(Duration.ofMillis(400));
                    return CompletableFuture.completedFuture(true);
                })) {
            get(pool.borrow(server.localAddress(), NONE)).giveBack();
            Support.await("idle", () -> pool.snapshot().idle() == 1);
            CallbackLease lease = get(pool.borrow(server.localAddress(), NONE));
            CompletableFuture<Void> later = new CompletableFuture<>();
            lease.connection().loop().schedule(() -> later.complete(null), 900, TimeUnit.MILLISECONDS);
            get(later);
            assertTrue(lease.isLent());
            assertEquals("after the check's times", exchange(lease, "after the check's times"));
            assertThrows(NetparkException.Closed.class, () -> kept.get().write(Support.bytes("stray")));
            assertEquals(1, pool.snapshot().created());
            lease.giveBack();
        }
    }
}
