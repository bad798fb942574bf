package io.netpark.blocking;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.callback.Support;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.socket.Detached;
import io.netpark.core.net.streams.PeerState;
import io.netpark.core.poll.Poller;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class BlockingConnectionTest {

    static List<Setting> settings() {
        return Setting.all();
    }

    static List<Setting> plainSettings() {
        return Setting.plain();
    }

    @ParameterizedTest
    @MethodSource("settings")
    void straightLineCodeParsesAndAnswers(Setting setting) throws Exception {
        setting.withPair((client, server) -> {
            Setting.Started<Void> echo = setting.start(() -> {
                while (server.await(4)) {
                    int length = server.reader().takeInt();
                    server.awaitRest(length);
                    server.writer().putInt(length);
                    server.writer().put(server.reader().next(length));
                    server.reader().release();
                    server.flush();
                }
                if (setting.halfCloses()) {
                    server.writer().putString("bye\r\n");
                    server.flush();
                }
                server.shutdownOutput();
                return null;
            });
            Random random = new Random(1);
            for (int i = 0; i < Support.rounds(100); i++) {
                byte[] payload = new byte[random.nextInt(i % 10 == 0 ? 300_000 : 2000)];
                random.nextBytes(payload);
                Setting.Started<Void> sending = setting.start(() -> {
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
            if (setting.halfCloses()) {
                assertEquals("bye", client.awaitLine(100));
            }
            assertNull(client.awaitLine(100));
            assertFalse(client.await(1));
            echo.get();
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void streamsWaitAndEnd(Setting setting) throws Exception {
        setting.withPair((client, server) -> {
            byte[] sent = new byte[1_000_000];
            new Random(2).nextBytes(sent);
            Setting.Started<Void> sending = setting.start(() -> {
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
        setting.withPair((client, server) -> {
            server.setReadDeadline(Instant.now().plusMillis(50));
            NetparkException.TimedOut late = assertThrows(NetparkException.TimedOut.class, () -> server.await(1));
            assertEquals(NetparkException.Timeout.READ, late.timeout());
            server.setReadDeadline(null);

            Thread.currentThread().interrupt();
            assertThrows(InterruptedIOException.class, () -> server.await(1));
            assertTrue(Thread.interrupted());
            client.writer().putByte(7);
            client.flush();
            assertTrue(server.await(1)); // nothing was lost
            assertEquals(7, server.reader().takeByte());

            Setting.Started<Boolean> waiting = setting.start(() -> server.await(1));
            server.close();
            ExecutionException closed = assertThrows(ExecutionException.class, waiting::get);
            assertInstanceOf(NetparkException.Closed.class, closed.getCause());
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void whatIsTakenOrPutAfterTheCloseOfAnotherThreadFailsAsClosed(Setting setting) throws Exception {
        setting.withPair((client, server) -> {
            client.write(new byte[] {1, 2, 3, 4});
            assertTrue(server.await(4));
            server.close();
            NetparkException.Closed taken = assertThrows(NetparkException.Closed.class, () -> server.reader().takeInt());
            assertTrue(taken.getMessage().startsWith("read from "), taken::getMessage);
            NetparkException.Closed put = assertThrows(NetparkException.Closed.class, () -> server.writer().putInt(5));
            assertTrue(put.getMessage().startsWith("write to "), put::getMessage);
            assertThrows(NetparkException.Closed.class, () -> server.asOutputStream().write(5));
            assertThrows(NetparkException.Closed.class, server::awaitInt);
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void anEndInsideOfAMessageIsAnError(Setting setting) throws Exception {
        setting.withPair((client, server) -> {
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
        setting.withPair((client, server) -> {
            client.writer().putString("abc");
            assertTrue(assertThrows(IllegalStateException.class, client::shutdownOutput).getMessage().contains("it holds 3 bytes"));
            client.close();
            if (setting.isTcp()) { // unix sockets have no reset
                assertThrows(NetparkException.Reset.class, () -> server.await(1));
            }
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void aStreamIsBrokenOff(Setting setting) throws Exception {
        setting.withPair((client, server) -> {
            client.writer().putString("half of it");
            client.flush();
            assertEquals(PeerState.PRESENT, server.peerState());
            client.reset();
            if (setting.pollers() == Poller.EPOLL) { // the other poller tells only of what is waited for
                assertEquals(PeerState.GONE, server.awaitPeerClosed(PeerState.GONE, Duration.ofSeconds(10))); // though nobody reads
            }
            if (setting.isTcp()) {
                assertThrows(NetparkException.Reset.class, () -> server.await(20));
                assertThrows(NetparkException.Reset.class, () -> server.await(20)); // and not an end
            }
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void aRefusalArrivesThoughThePeerIsStillSending(Setting setting) throws Exception {
        setting.withPair((client, server) -> {
            Setting.Started<Void> sending = setting.start(() -> {
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
        Setting.all().get(0).withPair((client, server) -> {
            server.setReadDeadline(Instant.MAX);
            client.setWriteDeadline(Instant.MAX);
            server.setReadTimeout(Due.INFINITE);
            client.setWriteTimeout(Duration.ofSeconds(Long.MAX_VALUE));
            server.setIdleTimeout(Due.INFINITE);
            client.writer().putString("x\n");
            client.flush();
            assertEquals("x", server.awaitLine(10));
            server.setReadDeadline(Instant.MIN);
            assertThrows(NetparkException.TimedOut.class, () -> server.await(1));
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void timeoutsCountAnewForEachOperationAndTheEarlierLimitStrikes(Setting setting) throws Exception {
        setting.withPair((client, server) -> {
            assertEquals(Due.INFINITE, server.readTimeout());
            assertEquals(Due.INFINITE, server.writeTimeout());
            assertEquals(Due.INFINITE, server.idleTimeout());
            assertNull(server.readDeadline());
            server.setReadTimeout(Duration.ofMillis(20));
            assertEquals(Duration.ofMillis(20), server.readTimeout());
            for (int i = 0; i < 2; i++) {
                NetparkException.TimedOut late = assertThrows(NetparkException.TimedOut.class, () -> server.await(1));
                assertEquals(NetparkException.Timeout.READ, late.timeout());
                client.write(new byte[] {1});
                server.setReadTimeout(Duration.ofSeconds(20));
                assertEquals(1, server.awaitByte()); // and the connection goes on
                server.setReadTimeout(Duration.ofMillis(20));
            }
            Instant soon = Instant.now().plusMillis(20);
            server.setReadTimeout(Duration.ofHours(1));
            server.setReadDeadline(soon);
            assertEquals(soon, server.readDeadline());
            assertThrows(NetparkException.TimedOut.class, () -> server.await(1));
            client.setWriteTimeout(Duration.ofMillis(20));
            assertEquals(Duration.ofMillis(20), client.writeTimeout());
            NetparkException.TimedOut stuck = assertThrows(NetparkException.TimedOut.class, () -> client.write(new byte[32 << 20]));
            assertEquals(NetparkException.Timeout.WRITE, stuck.timeout());
            for (Duration no : new Duration[] {Duration.ZERO, Duration.ofSeconds(-1)}) {
                assertThrows(IllegalArgumentException.class, () -> server.setReadTimeout(no));
                assertThrows(IllegalArgumentException.class, () -> server.setWriteTimeout(no));
                assertThrows(IllegalArgumentException.class, () -> server.setIdleTimeout(no));
            }
        });
        setting.withPair((client, server) -> {
            server.setIdleTimeout(Duration.ofMillis(30));
            assertEquals(Duration.ofMillis(30), server.idleTimeout());
            NetparkException.TimedOut idle = assertThrows(NetparkException.TimedOut.class, () -> server.await(1));
            assertEquals(NetparkException.Timeout.IDLE, idle.timeout());
            assertTrue(server.isClosed());
        });
    }

    @ParameterizedTest
    @MethodSource("plainSettings")
    void aConnectionThatIsDetachedGoesOnWhereItWasAdopted(Setting setting) throws Exception {
        try (EventLoopGroup group = setting.open()) {
            setting.withPair(group, (client, server) -> {
                client.write("abcdef".getBytes());
                assertEquals("abc", server.awaitString(3));
                server.writer().putByte(1);
                assertThrows(IllegalStateException.class, server::detach);
                server.flush();
                Detached detached = server.detach();
                assertThrows(NetparkException.Closed.class, () -> server.await(1));
                server.close(); // has no effect on what is another's
                try (BlockingConnection adopted = BlockingConnection.adopt(group, detached)) {
                    assertEquals("def", adopted.awaitString(3));
                    client.write("g".getBytes());
                    assertEquals("g", adopted.awaitString(1));
                    assertThrows(IllegalStateException.class, () -> BlockingConnection.adopt(group, detached));
                }
                assertEquals(1, client.awaitByte());
                assertFalse(client.await(1));
            });
        }
    }

    @Test
    void aPairNeedsNoPort() throws Exception {
        for (Setting setting : Setting.all()) {
            try (EventLoopGroup group = setting.open(); BlockingConnection.Pair pair = BlockingConnection.pair(group)) {
                pair.first().write("ping".getBytes());
                assertEquals("ping", pair.second().awaitString(4));
                pair.second().close();
                assertFalse(pair.first().await(1));
            }
        }
    }

    @Test
    void anEventLoopIsNotMadeToWait() throws Exception {
        Setting.all().get(0).withPair((client, server) -> {
            try (EventLoopGroup group = Support.loops().loops(1).open()) {
                ExecutionException e = assertThrows(ExecutionException.class,
                        () -> Support.get(group.next().submit(() -> server.await(1))));
                assertInstanceOf(IllegalStateException.class, e.getCause());
            }
        });
    }
}
