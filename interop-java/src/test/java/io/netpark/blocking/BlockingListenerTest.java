package io.netpark.blocking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.dialing.Dialer;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import java.io.InterruptedIOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
@SuppressWarnings("try")
class BlockingListenerTest {

    static List<Setting> settings() {
        return Setting.plain();
    }

    @Test
    void itIsMadeInOneLineAndEndsWithItsEventLoops() throws Exception {
        for (int form = 0; form < 3; form++) {
            BlockingListener listener = switch (form) {
                case 0 -> BlockingListener.listen(0);
                case 1 -> BlockingListener.listen("127.0.0.1", 0);
                default -> BlockingListener.listen(new InetSocketAddress("127.0.0.1", 0));
            };
            EventLoopGroup group = listener.group();
            try (BlockingConnection client = BlockingConnection.dial(group, "127.0.0.1", listener.port());
                    BlockingConnection server = listener.accept()) {
                server.write(new byte[] {7});
                assertEquals(7, client.awaitByte());
                listener.close();
                assertThrows(NetparkException.Closed.class, server::awaitByte); // with the loops
            }
            assertTrue(group.isClosed());
            listener.close();
            assertThrows(NetparkException.Closed.class, listener::accept);
        }
        assertThrows(NetparkException.UnknownHost.class, () -> BlockingListener.listen("no-such-host.invalid", 0));
    }

    @ParameterizedTest
    @MethodSource("settings")
    void anAcceptThatRunsOutOfTimeLosesNothing(Setting setting) throws Exception {
        try (EventLoopGroup group = setting.open(); BlockingListener listener = BlockingListener.listen(group, setting.address())) {
            for (Duration time : new Duration[] {Duration.ofMillis(20), Duration.ZERO, Duration.ofSeconds(Long.MIN_VALUE)}) {
                NetparkException.TimedOut late = assertThrows(NetparkException.TimedOut.class, () -> listener.accept(time));
                assertEquals(NetparkException.Timeout.ACCEPT, late.timeout());
            }
            List<BlockingConnection> clients = new ArrayList<>();
            for (int i = 0; i < 50; i++) { // at about the time that the accept gives up
                Setting.Started<BlockingConnection> dialing =
                        setting.start(() -> BlockingConnection.dial(group, listener.localAddress()));
                try {
                    listener.accept(Duration.ofNanos(i * 20_000L)).close();
                } catch (NetparkException.TimedOut e) {
                    listener.accept(Duration.ofSeconds(10)).close();
                }
                clients.add(dialing.get());
            }
            clients.forEach(BlockingConnection::close);
            try (BlockingConnection waits = BlockingConnection.dial(group, listener.localAddress())) {
                BlockingConnection accepted = null;
                while (accepted == null) {
                    try {
                        accepted = listener.accept(Duration.ZERO); // it need not wait
                    } catch (NetparkException.TimedOut e) {
                        // A dial is done before the kernel has given the listener the other end.
                    }
                }
                accepted.close();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("settings")
    void aSuccessorAcceptsThoseWhoWait(Setting setting) throws Exception {
        try (EventLoopGroup group = setting.open(); BlockingListener first = BlockingListener.listen(group, setting.address())) {
            BlockingConnection waits = BlockingConnection.dial(group, first.localAddress());
            OpenDescriptor passed = first.duplicate();
            first.close();
            try (BlockingListener second = BlockingListener.adopt(group, passed); BlockingConnection accepted = second.accept()) {
                assertEquals(first.localAddress(), second.localAddress());
                accepted.write(new byte[] {1});
                assertEquals(1, waits.awaitByte());
                assertThrows(IllegalStateException.class, () -> BlockingListener.adopt(group, passed));
            }
            waits.close();
            assertThrows(NetparkException.Closed.class, first::duplicate);
        }
    }

    @ParameterizedTest
    @MethodSource("settings")
    void severalThreadsAcceptAndEachConnectionIsOfOneOfThem(Setting setting) throws Exception {
        try (EventLoopGroup group = setting.open(); BlockingListener listener = BlockingListener.listen(group, setting.address())) {
            List<Setting.Started<BlockingConnection>> accepting = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                accepting.add(setting.start(listener::accept));
            }
            Setting.Started<BlockingConnection> givesUp = setting.start(() -> listener.accept(Duration.ofMillis(1)));
            assertInstanceOf(NetparkException.TimedOut.class, assertThrows(ExecutionException.class, givesUp::get).getCause());
            for (int i = 0; i < 8; i++) {
                BlockingConnection client = BlockingConnection.dial(group, listener.localAddress());
                client.write(new byte[] {(byte) i});
            }
            Set<Byte> seen = new HashSet<>();
            for (Setting.Started<BlockingConnection> each : accepting) {
                seen.add(each.get().awaitByte());
            }
            assertEquals(8, seen.size());

            List<Setting.Started<BlockingConnection>> waiting = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                waiting.add(setting.start(listener::accept));
                waiting.get(i).awaitWaiting();
            }
            listener.close();
            for (Setting.Started<BlockingConnection> each : waiting) {
                assertInstanceOf(NetparkException.Closed.class, assertThrows(ExecutionException.class, each::get).getCause());
            }
        }
    }

    @Test
    void aThreadThatAcceptsAgainDoesNotOvertakeOneThatWaits() throws Exception {
        Setting setting = Setting.all().get(0);
        try (EventLoopGroup group = setting.open(); BlockingListener listener = BlockingListener.listen(group, setting.address())) {
            for (byte round = 0; round < 10; round++) {
                Setting.Started<BlockingConnection> twice = setting.start(() -> {
                    listener.accept().close();
                    return listener.accept();
                });
                twice.awaitWaiting();
                Setting.Started<BlockingConnection> once = setting.start(() -> listener.accept(Duration.ofSeconds(5)));
                once.awaitWaiting();
                for (int i = 0; i < 3; i++) {
                    BlockingConnection.dial(group, listener.localAddress()).write(new byte[] {(byte) i});
                }
                assertEquals(1, once.get().awaitByte());
                assertEquals(2, twice.get().awaitByte());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("settings")
    void anInterruptEndsAnyWaitAndLosesNothing(Setting setting) throws Exception {
        try (EventLoopGroup group = setting.open(); BlockingListener listener = BlockingListener.listen(group, setting.address())) {
            for (boolean first : new boolean[] {true, false}) { // and one that waits for its turn
                Setting.Started<BlockingConnection> other = first ? null : setting.start(listener::accept);
                if (other != null) {
                    other.awaitWaiting();
                }
                Setting.Started<Boolean> accepting = setting.start(() -> {
                    assertThrows(InterruptedIOException.class, listener::accept);
                    return Thread.currentThread().isInterrupted();
                });
                accepting.awaitWaiting();
                accepting.thread().interrupt();
                assertTrue(accepting.get());
                if (other != null) {
                    try (BlockingConnection client = BlockingConnection.dial(group, listener.localAddress())) {
                        other.get().close();
                    }
                }
            }
            Thread.currentThread().interrupt(); // before the wait
            assertThrows(InterruptedIOException.class, listener::accept);
            assertThrows(InterruptedIOException.class, () -> listener.accept(Duration.ofSeconds(10)));
            assertTrue(Thread.interrupted());
            try (BlockingConnection client = BlockingConnection.dial(group, listener.localAddress());
                    BlockingConnection server = listener.accept()) {
                Thread.currentThread().interrupt();
                Dialer waiting = Dialer.of(group).withResolver(name -> new CompletableFuture<>());
                SocketAddress unknown = InetSocketAddress.createUnresolved("somewhere.example", 80);
                assertThrows(InterruptedIOException.class, () -> BlockingConnection.dial(waiting, unknown));
                assertThrows(InterruptedIOException.class, () -> server.awaitPeerClosed(Duration.ofSeconds(10)));
                assertThrows(InterruptedIOException.class, server::awaitInt);
                assertThrows(InterruptedIOException.class, server::awaitRequest);
                assertThrows(InterruptedIOException.class, () -> server.read(new byte[1]));
                server.write(new byte[] {1}); // which need not wait
                assertTrue(Thread.interrupted());
                assertFalse(server.isClosed());
                assertEquals(1, client.awaitByte());
            }
        }
    }
}
