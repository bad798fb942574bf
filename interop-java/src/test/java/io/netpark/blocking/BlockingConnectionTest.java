package io.netpark.blocking;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.NetOptions;
import io.netpark.core.net.PeerState;
import io.netpark.core.poll.Poller;
import io.netpark.core.sys.Binding;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class BlockingConnectionTest {

    /** A binding, a poller, and whether threads are virtual. */
    record Setting(Binding binding, Poller.Factory pollers, String poller, boolean virtual) {
        @Override
        public String toString() {
            return binding + " " + poller + (virtual ? " virtual threads" : " platform threads");
        }

        EventLoopGroup open() throws IOException {
            return EventLoopGroup.builder().loops(1).daemon(true).libc(binding.open()).pollers(pollers).open();
        }

        <T> FutureTask<T> start(Callable<T> body) {
            FutureTask<T> task = new FutureTask<>(body);
            if (virtual) {
                try {
                    Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, task);
                } catch (NoSuchMethodException | IllegalAccessException | InvocationTargetException e) {
                    throw new AssertionError(e);
                }
            } else {
                new Thread(task).start();
            }
            return task;
        }
    }

    static List<Setting> settings() {
        List<Setting> all = new ArrayList<>();
        for (Binding binding : Binding.values()) {
            if (binding.unavailability() == null) {
                for (boolean virtual : Runtime.version().feature() >= 21 ? new boolean[] {false, true} : new boolean[1]) {
                    all.add(new Setting(binding, Poller.EPOLL, "epoll", virtual));
                    all.add(new Setting(binding, Poller.POLL, "poll", virtual));
                }
            }
        }
        return all;
    }

    private interface Body {
        void run(BlockingConnection client, BlockingConnection server) throws Exception;
    }

    private static void withPair(Setting setting, Body body) throws Exception {
        try (EventLoopGroup group = setting.open();
                BlockingListener listener = BlockingListener.listen(
                        group, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), NetOptions.DEFAULT);
                BlockingConnection client = BlockingConnection.dial(
                        group, listener.localAddress(), Duration.ofSeconds(10), NetOptions.DEFAULT);
                BlockingConnection server = listener.accept()) {
            body.run(client, server);
        }
    }

    @ParameterizedTest
    @MethodSource("settings")
    void straightLineCodeParsesAndAnswers(Setting setting) throws Exception {
        withPair(setting, (client, server) -> {
            FutureTask<Void> echo = setting.start(() -> {
                while (server.await(4)) {
                    int length = server.reader().takeInt();
                    server.awaitRest(length);
                    server.writer().putInt(length);
                    server.writer().put(server.reader().next(length));
                    server.reader().release();
                    server.flush();
                }
                server.writer().putString("bye\r\n");
                server.flush();
                server.shutdownOutput();
                return null;
            });
            Random random = new Random(1);
            for (int i = 0; i < 100; i++) {
                byte[] payload = new byte[random.nextInt(i % 10 == 0 ? 300_000 : 2000)];
                random.nextBytes(payload);
                FutureTask<Void> sending = setting.start(() -> {
                    client.writer().putInt(payload.length);
                    client.writer().put(payload);
                    client.flush();
                    return null;
                });
                assertTrue(client.await(4 + payload.length));
                assertEquals(payload.length, client.reader().takeInt());
                assertArrayEquals(payload, client.reader().takeBytes(payload.length));
                sending.get();
            }
            client.shutdownOutput();
            assertEquals("bye", client.awaitLine(100));
            assertNull(client.awaitLine(100));
            assertFalse(client.await(1));
            echo.get();
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void streamsWaitAndEnd(Setting setting) throws Exception {
        withPair(setting, (client, server) -> {
            byte[] sent = new byte[1_000_000];
            new Random(2).nextBytes(sent);
            FutureTask<Void> sending = setting.start(() -> {
                try (OutputStream out = client.asOutputStream()) {
                    out.write(sent[0]);
                    out.write(sent, 1, sent.length - 1);
                }
                return null;
            });
            assertArrayEquals(sent, server.asInputStream().readAllBytes());
            sending.get();
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void aWaitEndsByDeadlineByCloseAndByInterrupt(Setting setting) throws Exception {
        withPair(setting, (client, server) -> {
            server.setReadDeadline(Duration.ofMillis(50));
            NetparkException.TimedOut late = assertThrows(NetparkException.TimedOut.class, () -> server.await(1));
            assertEquals(NetparkException.Timeout.READ, late.timeout());
            server.setReadDeadline(Duration.ZERO);

            Thread.currentThread().interrupt();
            assertThrows(InterruptedIOException.class, () -> server.await(1));
            assertTrue(Thread.interrupted());
            client.writer().putByte(7);
            client.flush();
            assertTrue(server.await(1)); // nothing was lost
            assertEquals(7, server.reader().takeByte());

            FutureTask<Boolean> waiting = setting.start(() -> server.await(1));
            server.close();
            ExecutionException closed = assertThrows(ExecutionException.class, waiting::get);
            assertInstanceOf(NetparkException.Closed.class, closed.getCause());
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void anEndInsideOfAMessageIsAnError(Setting setting) throws Exception {
        withPair(setting, (client, server) -> {
            client.writer().putString("abc");
            client.flush();
            client.close();
            assertTrue(assertThrows(NetparkException.Truncated.class, () -> server.await(10))
                    .getMessage().contains("after 3 of 10 bytes"));
            assertEquals("abc", server.reader().takeString(3));
            assertFalse(server.await(1));
            assertThrows(NetparkException.Truncated.class, () -> server.awaitRest(1));
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void whatWasNotFlushedIsNotLostInSilence(Setting setting) throws Exception {
        withPair(setting, (client, server) -> {
            client.writer().putString("abc");
            assertTrue(assertThrows(IllegalStateException.class, client::shutdownOutput).getMessage().contains("it holds 3 bytes"));
            client.close();
            assertThrows(NetparkException.Reset.class, () -> server.await(1));
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void aStreamIsBrokenOff(Setting setting) throws Exception {
        withPair(setting, (client, server) -> {
            client.writer().putString("half of it");
            client.flush();
            assertEquals(PeerState.PRESENT, server.peerState());
            client.reset();
            if (setting.poller().equals("epoll")) { // the other poller tells only of what is waited for
                long end = System.nanoTime() + 10_000_000_000L;
                while (server.peerState() != PeerState.GONE && System.nanoTime() < end) {
                    Thread.sleep(1);
                }
                assertEquals(PeerState.GONE, server.peerState()); // though nobody reads
            }
            assertThrows(NetparkException.Reset.class, () -> server.await(20));
            assertThrows(NetparkException.Reset.class, () -> server.await(20)); // and not an end
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void aRefusalArrivesThoughThePeerIsStillSending(Setting setting) throws Exception {
        withPair(setting, (client, server) -> {
            FutureTask<Void> sending = setting.start(() -> {
                client.writer().put(new byte[2_000_000]);
                client.flush();
                client.shutdownOutput();
                return null;
            });
            assertTrue(server.await(1));
            server.writer().putString("too long\n");
            server.closeLingering(Duration.ofSeconds(20));
            assertThrows(NetparkException.Closed.class, () -> server.await(2_000_000));
            sending.get();
            assertEquals("too long", client.awaitLine(100));
            assertNull(client.awaitLine(100));
        });
    }

    @Test
    void timesWithoutEndAreNone() throws Exception {
        withPair(settings().get(0), (client, server) -> {
            server.setReadDeadline(Duration.ofSeconds(Long.MAX_VALUE));
            client.setWriteDeadline(Duration.ofSeconds(Long.MAX_VALUE));
            client.writer().putString("x\n");
            client.flush();
            assertEquals("x", server.awaitLine(10));
            server.setReadDeadline(Duration.ofSeconds(Long.MIN_VALUE));
            assertThrows(NetparkException.TimedOut.class, () -> server.await(1));
        });
    }

    @Test
    void anEventLoopIsNotMadeToWait() throws Exception {
        withPair(settings().get(0), (client, server) -> {
            try (EventLoopGroup group = EventLoopGroup.builder().loops(1).daemon(true).open()) {
                ExecutionException e = assertThrows(ExecutionException.class,
                        () -> group.next().submit(() -> server.await(1)).get());
                assertInstanceOf(IllegalStateException.class, e.getCause());
            }
        });
    }
}
