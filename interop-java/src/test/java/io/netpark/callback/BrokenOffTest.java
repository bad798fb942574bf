package io.netpark.callback;

import static io.netpark.callback.Between.NONE;
import static io.netpark.callback.Between.failure;
import static io.netpark.callback.Between.get;
import static io.netpark.callback.Between.sending;
import static io.netpark.callback.Support.await;
import static io.netpark.callback.Support.patternBytes;
import static io.netpark.callback.Support.receive;
import static io.netpark.callback.Support.send;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.sys.NetparkException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is broken off does not look whole, what was not copied is still there, and output has one order. */
@Timeout(60)
class BrokenOffTest {

    static List<Support.Platform> platforms() {
        return Support.platforms();
    }

    private static String ending(Socket socket) {
        try {
            return socket.getInputStream().read() == -1 ? "end" : "byte";
        } catch (IOException e) {
            return "reset";
        }
    }

    @Test
    void clientsThatHaveGoneLeaveNothingBehindInARelayThoughReadingWasPaused() throws Exception {
        try (CallbackServer echo = Support.server().loops(1)
                        .onRequest((connection, in) -> connection.write(in)).listen(Support.loopback());
                CallbackClient dialer = Support.client().loops(1).open();
                CallbackServer proxy = Support.server().loops(1)
                        .onConnect(client -> GuideExamples.passThrough(client, dialer, echo.localAddress()))
                        .ignoreInput()
                        .listen(Support.loopback())) {
            for (int i = 0; i < 20; i++) {
                try (Socket client = Support.connect(proxy)) {
                    send(client, "hello");
                    assertEquals("hello", receive(client, 5));
                    if (i % 2 == 0) {
                        client.shutdownOutput();
                        assertEquals("end", ending(client));
                    }
                }
            }
            await("nobody is left", () -> proxy.connections() == 0 && dialer.connections() == 0 && echo.connections() == 0);
        }
    }

    @Test
    void aDownloadThatTheServerBreaksOffIsBrokenOffBehindARelay() throws Exception {
        try (CallbackServer breaking = Support.server().loops(1).onRequest((connection, in) -> {
                    in.position(in.limit());
                    connection.writeAsync(Support.bytes("half of it")).thenRun(connection::reset);
                }).listen(Support.loopback());
                CallbackClient dialer = Support.client().loops(1).open();
                CallbackServer proxy = Support.server().loops(1)
                        .onConnect(client -> GuideExamples.passThrough(client, dialer, breaking.localAddress()))
                        .ignoreInput()
                        .listen(Support.loopback())) {
            for (int i = 0; i < 10; i++) {
                try (Socket client = Support.connect(proxy)) {
                    send(client, "?");
                    try {
                        client.getInputStream().readAllBytes();
                        assertEquals("reset", "end");
                    } catch (IOException reset) {
                        // It is known that there is more.
                    }
                }
            }
            await("nobody is left", () -> proxy.connections() == 0 && dialer.connections() == 0);
        }
    }

    @Test
    void closingDropsWhatIsPendingAndThePeerIsToldSo() throws Exception {
        CompletableFuture<CallbackConnection> accepted = new CompletableFuture<>();
        try (CallbackServer server = Support.server().loops(1).onConnect(connection -> {
                    connection.write(ByteBuffer.allocate(20_000_000));
                    accepted.complete(connection);
                }).ignoreInput().listen(Support.loopback());
                Socket client = Support.connect(server)) {
            CallbackConnection connection = get(accepted);
            assertTrue(connection.pendingBytes() > 0);
            connection.close();
            assertThrows(IOException.class, () -> client.getInputStream().readAllBytes());
        }
    }

    @Test
    void closingAfterWritesIsNoReset() throws Exception {
        byte[] answer = patternBytes(1, 5_000_000);
        CompletableFuture<CallbackConnection> accepted = new CompletableFuture<>();
        try (CallbackServer server = Support.server().loops(1).onConnect(accepted::complete).ignoreInput().listen(Support.loopback());
                Socket client = Support.connect(server)) {
            CallbackConnection connection = get(accepted);
            connection.write(ByteBuffer.wrap(answer));
            connection.closeAfterWrites();
            assertArrayEquals(answer, client.getInputStream().readAllBytes());
        }
    }

    /** However fast the peer reads, the loop has others to serve. */
    @Test
    void aLargeWriteHasItsTurnAndTheRestWaitsForTheNext() throws Exception {
        byte[] large = patternBytes(9, 12_000_000);
        CompletableFuture<Long> pending = new CompletableFuture<>();
        try (CallbackServer server = Support.server().loops(1).onRequest((connection, in) -> {
                    in.position(in.limit());
                    connection.write(ByteBuffer.wrap(large));
                    pending.complete(connection.pendingBytes());
                }).listen(Support.loopback());
                Socket client = Support.connect(server)) {
            send(client, "?");
            Support.assertPattern(9, large.length, client.getInputStream());
            assertTrue(get(pending) >= 12_000_000 - (4 << 20), get(pending) + " bytes");
        }
    }

    @Test
    void aRefusalArrivesThoughThePeerIsStillSending() throws Exception {
        try (CallbackServer server = Support.server().loops(1).onRequest((connection, in) -> {
                    GuideExamples.refuse(connection);
                }).listen(Support.loopback())) {
            for (int i = 0; i < 5; i++) {
                try (Socket client = Support.connect(server)) {
                    sending(client, new byte[3_000_000], true).join();
                    assertEquals("too long\n", Support.receiveAll(client));
                }
            }
            await("all are closed", () -> server.connections() == 0);
        }
    }

    // Copies

    @ParameterizedTest
    @MethodSource("platforms")
    void whatATargetThatIsClosedDidNotTakeIsReadableStill(Support.Platform platform) throws Exception {
        CompletableFuture<Throwable> failed = new CompletableFuture<>();
        CompletableFuture<String> read = new CompletableFuture<>();
        try (Between between = new Between(platform.group(), NONE, server -> server,
                (one, other) -> one.onRequest((connection, in) -> {
                    int end = in.limit();
                    assertEquals("GO\n", Support.take(in.limit(in.position() + 3)));
                    in.limit(end);
                    other.close();
                    connection.onRequest((again, rest) -> read.complete(Support.take(rest)));
                    connection.copyTo(other).whenComplete((count, failure) -> failed.complete(failure));
                }))) {
            send(between.client, "GO\nrest");
            assertInstanceOf(NetparkException.Closed.class, get(failed));
            assertEquals("rest", get(read));
            assertTrue(between.accepted.join().isOpen());
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void noByteIsMissingBetweenWhatATargetTookAndWhatIsReadAfterwards(Support.Platform platform) throws Exception {
        int length = 30_000_000;
        byte[] sent = patternBytes(5, length);
        ByteArrayOutputStream rest = new ByteArrayOutputStream();
        CompletableFuture<Void> ended = new CompletableFuture<>();
        CompletableFuture<CompletableFuture<Long>> copy = new CompletableFuture<>();
        try (Between between = new Between(platform.group().metrics(true), NONE,
                server -> server.onHalfClose(connection -> ended.complete(null)),
                (one, other) -> {
                    one.onRequest((connection, in) -> {
                        byte[] some = new byte[in.remaining()];
                        in.get(some);
                        rest.write(some);
                    });
                    copy.complete(one.copyTo(other));
                })) {
            CallbackConnection target = between.dialed.join();
            Thread sending = sending(between.client, sent, true);
            await("nobody reads", () -> target.core.parked() == 2 && between.group.snapshot().total().bytesOut() > 100_000);
            target.close();
            assertInstanceOf(NetparkException.Closed.class, failure(get(copy)));
            get(ended);
            sending.join();
            long taken = between.group.snapshot().total().bytesOut();
            assertEquals(length, taken + rest.size());
            byte[] expected = Arrays.copyOfRange(sent, (int) taken, length);
            assertArrayEquals(expected, rest.toByteArray());
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void whatIsWrittenAfterACopyWasAskedForComesAfterIt(Support.Platform platform) throws Exception {
        CompletableFuture<Long> copied = new CompletableFuture<>();
        try (Between between = new Between(platform.group(), NONE, server -> server, (one, other) -> {
            other.writeAsync(Support.bytes("<"));
            one.copyTo(other, 5).whenComplete((result, failure) -> Between.tell(copied, result, failure));
            other.writeAsync(Support.bytes(">"));
            other.shutdownOutput();
        })) {
            send(between.client, "first");
            assertEquals(5, get(copied));
            assertEquals("<first>", Support.receiveAll(between.service));
        }
    }

    @Test
    void aCopyThatIsCancelledBeforeItsTurnLetsItsSourceGoAtOnce() throws Exception {
        List<CallbackConnection> accepted = new CopyOnWriteArrayList<>();
        try (CallbackServer server = Support.server().loops(2).onConnect(accepted::add)
                        .onRequest((connection, in) -> connection.write(in)).listen(Support.loopback());
                Socket first = Support.connect(server)) {
            await("one", () -> accepted.size() == 1);
            try (Socket second = Support.connect(server)) {
                await("two", () -> accepted.size() == 2);
                try (Socket third = Support.connect(server)) {
                    await("three", () -> accepted.size() == 3);
                    CompletableFuture<Long> going = accepted.get(0).copyTo(accepted.get(2));
                    send(first, "x");
                    assertEquals("x", receive(third, 1));
                    CompletableFuture<Long> waiting = accepted.get(1).copyTo(accepted.get(2));
                    send(second, "y");
                    assertTrue(waiting.cancel(false));
                    assertEquals("y", receive(second, 1)); // its callback answers
                    send(first, "x");
                    assertEquals("x", receive(third, 1));
                    CompletableFuture<Void> behind = accepted.get(2).writeAsync(Support.bytes("z"));
                    going.cancel(false);
                    get(behind);
                    assertEquals("z", receive(third, 1)); // the turn of the one that was cancelled has passed
                }
            }
        }
    }

    @Test
    void aTargetWhoseOutputHasEndedIsRefusedAndStaysOpen() throws Exception {
        try (Between between = new Between(EventLoopGroup.builder().daemon(true), NONE, server -> server,
                (one, other) -> other.shutdownOutput())) {
            CallbackConnection target = between.dialed.join();
            assertInstanceOf(NetparkException.Closed.class, failure(between.accepted.join().copyTo(target)));
            assertTrue(target.isOpen());
            send(between.service, "x"); // it is read still
            assertEquals(-1, between.service.getInputStream().read());
        }
    }
}
