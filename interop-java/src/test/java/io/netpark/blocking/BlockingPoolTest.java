package io.netpark.blocking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.callback.Pace;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.dialing.Dialer;
import io.netpark.core.pool.PoolOptions;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
@SuppressWarnings("try")
class BlockingPoolTest {

    private static final PoolOptions ONE = PoolOptions.DEFAULT.withMaxPerDestination(1);

    static List<Setting> settings() {
        return Setting.all();
    }

    private interface Body {
        void run(EventLoopGroup group, SocketAddress address) throws Exception;
    }

    /** With a server that answers each line with the number of its connection. */
    private static void withServer(Setting setting, Body body) throws Exception {
        AtomicInteger connections = new AtomicInteger();
        try (EventLoopGroup group = setting.open(); BlockingListener listener = setting.listen(group)) {
            Setting.Started<Void> serving = setting.start(() -> {
                listener.serve(connection -> {
                    int number = connections.incrementAndGet();
                    while (connection.awaitLine() != null) {
                        connection.writer().putString(number + "\n");
                        connection.flush();
                    }
                }, (connection, failure) -> {});
                return null;
            });
            body.run(group, listener.localAddress());
            listener.close();
            serving.get();
        }
    }

    private static String ask(BlockingConnection connection) throws IOException {
        connection.writer().putString("who\n");
        connection.flush();
        return connection.awaitLine();
    }

    @ParameterizedTest
    @MethodSource("settings")
    void aConnectionIsUsedAgainUnlessItsUseHasFailed(Setting setting) throws Exception {
        withServer(setting, (group, address) -> {
            try (BlockingPool pool = new BlockingPool(setting.dialer(group), ONE)) {
                assertEquals("1", pool.use(address, BlockingPoolTest::ask));
                assertEquals("1", pool.use(address, BlockingPoolTest::ask));
                assertThrows(IllegalStateException.class, () -> pool.use(address, connection -> {
                    throw new IllegalStateException("on purpose");
                }));
                assertEquals("2", pool.use(address, BlockingPoolTest::ask));
                pool.use(address, connection -> {
                    connection.writer().putString("not flushed");
                    return null;
                });
                assertEquals("3", pool.use(address, BlockingPoolTest::ask));
                try (BlockingLease lease = pool.borrow(address)) {
                    assertEquals("3", ask(lease.connection()));
                } // and was not given back
                assertEquals("4", pool.use(address, BlockingPoolTest::ask));
            }
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void whatHasBeenGivenBackIsNobodys(Setting setting) throws Exception {
        withServer(setting, (group, address) -> {
            try (BlockingPool pool = new BlockingPool(setting.dialer(group), ONE)) {
                BlockingLease lease = pool.borrow(address);
                BlockingConnection connection = lease.connection();
                assertTrue(lease.isLent());
                lease.giveBack();
                assertFalse(lease.isLent());
                assertThrows(IllegalStateException.class, lease::giveBack);
                lease.discard();
                assertThrows(IllegalStateException.class, () -> connection.await(1));
                assertThrows(IllegalStateException.class, () -> connection.write(new byte[1]));
                assertThrows(IllegalStateException.class, () -> connection.writer().putByte(1));
                assertThrows(IllegalStateException.class, connection::flush);
                connection.close(); // has no effect on the next borrower
                connection.reset();
                assertEquals("1", pool.use(address, BlockingPoolTest::ask));
            }
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void aBorrowerWaitsNoLongerThanItSays(Setting setting) throws Exception {
        withServer(setting, (group, address) -> {
            try (BlockingPool pool = new BlockingPool(setting.dialer(group), ONE)) {
                BlockingLease lease = pool.borrow(address, Duration.ofSeconds(10));
                for (Duration time : new Duration[] {Duration.ofMillis(20), Duration.ZERO, Duration.ofSeconds(-1)}) {
                    NetparkException.TimedOut late = assertThrows(NetparkException.TimedOut.class, () -> pool.borrow(address, time));
                    assertEquals(NetparkException.Timeout.BORROW, late.timeout());
                }
                Setting.Started<BlockingLease> interrupted = setting.start(() -> pool.borrow(address));
                interrupted.awaitWaiting();
                interrupted.thread().interrupt();
                assertInstanceOf(InterruptedIOException.class, assertThrows(ExecutionException.class, interrupted::get).getCause());
                Setting.Started<BlockingLease> next = setting.start(() -> pool.borrow(address));
                next.awaitWaiting();
                lease.giveBack();
                next.get().giveBack();
                pool.borrow(address, Duration.ZERO).giveBack(); // it need not wait
                assertEquals(1, pool.snapshot().idle());
            }
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void aCheckKeepsBadConnectionsFromBorrowers(Setting setting) throws Exception {
        withServer(setting, (group, address) -> {
            AtomicInteger checks = new AtomicInteger();
            BlockingPool.Check check = connection -> {
                int number = checks.incrementAndGet();
                if (number == 4) {
                    connection.await(1); // an answer that does not come
                }
                ask(connection);
                return switch (number) {
                    case 2 -> false;
                    case 3 -> throw new SocketTimeoutException("on purpose"); // which is an InterruptedIOException
                    default -> true;
                };
            };
            try (BlockingPool pool = new BlockingPool(setting.dialer(group), ONE, Duration.ZERO, check)) {
                assertEquals("1", pool.use(address, BlockingPoolTest::ask));
                assertEquals("1", pool.use(address, BlockingPoolTest::ask));
                assertEquals("2", pool.use(address, BlockingPoolTest::ask));
                assertEquals("3", pool.use(address, BlockingPoolTest::ask));
                assertThrows(NetparkException.TimedOut.class, () -> pool.borrow(address, Duration.ofMillis(500)));
                assertEquals(4, checks.get());
                String next = pool.use(address, BlockingPoolTest::ask);
                assertNotEquals("3", next);
            }
        });
    }

    @Test
    void itsEndWaitsForTheBorrowersAsLongAsItSays() throws Exception {
        Duration time = Duration.ofMillis(1500);
        Pace.within(time, pace -> withServer(Setting.all().get(0), (group, address) -> {
            BlockingPool pool = new BlockingPool(group, PoolOptions.DEFAULT);
            BlockingLease kept = pool.borrow(address);
            BlockingLease given = pool.borrow(address);
            pace.step();
            Setting.Started<Integer> ending = Setting.all().get(0).start(() -> pool.shutdown(time));
            ending.awaitWaiting();
            given.giveBack();
            pace.step();
            assertThrows(NetparkException.Closed.class, () -> pool.borrow(address));
            assertEquals(1, ending.get());
            assertThrows(NetparkException.Closed.class, () -> ask(kept.connection()));
            kept.discard();
            assertEquals(0, pool.shutdown(Duration.ZERO));
        }));
    }
}
