package io.netpark.blocking;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.streams.PeerState;
import io.netpark.core.sys.NetparkException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class BlockingWritingTest {

    private static final int MORE_THAN_THE_KERNEL_TAKES = 32 << 20;

    static List<Setting> settings() {
        return Setting.all();
    }

    @ParameterizedTest
    @MethodSource("settings")
    void bytesGoInOrderWhicheverWayTheyAreWritten(Setting setting, @TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "file, and its rest");
        setting.withPair((client, server) -> {
            client.writer().putString("a");
            client.write("b".getBytes(StandardCharsets.UTF_8));
            client.writer().putString("c");
            assertEquals(1, client.asChannel().write(ByteBuffer.wrap(new byte[] {'d'})));
            client.asOutputStream().write('e');
            assertEquals(4, client.sendFile(file, 0, 4));
            client.writer().putString("f");
            try (FileTransfer transfer = FileTransfer.open(file, 4, FileTransfer.REST)) {
                client.send(transfer);
            }
            OutputStream out = client.asOutputStream();
            out.write("g".getBytes(StandardCharsets.UTF_8));
            out.flush();
            assertEquals("abcdefilef, and its restg", server.awaitString(25));
            client.writer().putString("x");
            client.flushIfFull();
            assertEquals(1, client.writer().buffered());
            client.writer().put(new byte[64 << 10]);
            client.flushIfFull();
            assertEquals(0, client.writer().buffered());
            server.awaitRest(1 + (64 << 10));
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void anOutputStreamDoesNotCollectMoreThanItsMark(Setting setting) throws Exception {
        setting.withPair((client, server) -> {
            byte[] sent = new byte[3_000_000];
            new Random(7).nextBytes(sent);
            Setting.Started<Void> sending = setting.start(() -> {
                OutputStream out = client.asOutputStream();
                for (int i = 0; i < sent.length; i += 1000) {
                    out.write(sent, i, 1000);
                    assertTrue(client.writer().buffered() < 65 << 10);
                }
                out.close();
                out.close();
                return null;
            });
            assertArrayEquals(sent, server.awaitBytes(sent.length));
            assertFalse(server.await(1));
            sending.get();
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void aWriteThatIsInterruptedSaysHowFarItGotOrBreaksTheOutput(Setting setting) throws Exception {
        setting.withPair((client, server) -> {
            ByteBuffer known = ByteBuffer.allocateDirect(MORE_THAN_THE_KERNEL_TAKES);
            assertInterrupted(setting.start(() -> {
                client.write(known);
                return null;
            }));
            assertTrue(known.position() > 0 && known.hasRemaining());
            Setting.Started<byte[]> reading = setting.start(() -> server.awaitBytes(known.position()));
            reading.get();
            client.write(new byte[] {1}); // goes on: it is known where
            assertEquals(1, server.awaitByte());

            assertInterrupted(setting.start(() -> {
                client.write(new byte[MORE_THAN_THE_KERNEL_TAKES]);
                return null;
            }));
            NetparkException.Closed broken = assertThrows(NetparkException.Closed.class, () -> client.write(new byte[1]));
            assertTrue(broken.getMessage().contains("the output is broken"), broken.getMessage());
            assertThrows(NetparkException.Closed.class, client::shutdownOutput);
            client.close();
            if (setting.isTcp()) {
                assertThrows(NetparkException.Reset.class, () -> server.asInputStream().readAllBytes());
            }
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void aCloseInTheMidstOfAWriteIsNoEndThatLooksLikeThatOfTheWhole(Setting setting) throws Exception {
        setting.withPair((client, server) -> {
            Setting.Started<Void> writing = setting.start(() -> {
                client.write(new byte[MORE_THAN_THE_KERNEL_TAKES]);
                return null;
            });
            writing.awaitWaiting();
            client.close();
            assertInstanceOf(NetparkException.Closed.class, assertThrows(ExecutionException.class, writing::get).getCause());
            if (setting.isTcp()) {
                assertThrows(NetparkException.Reset.class, () -> server.asInputStream().readAllBytes());
            }
        });
    }

    private static void assertInterrupted(Setting.Started<?> started) throws Exception {
        started.awaitWaiting();
        started.thread().interrupt();
        assertInstanceOf(InterruptedIOException.class, assertThrows(ExecutionException.class, started::get).getCause());
    }

    @ParameterizedTest
    @MethodSource("settings")
    void itSaysWhatItIsMadeOf(Setting setting) throws Exception {
        setting.withPair((client, server) -> {
            if (setting.isTcp()) {
                client.setOption(NetOption.NO_DELAY, false);
                assertFalse(client.getOption(NetOption.NO_DELAY));
                assertTrue(client.tcpInfo().toString().length() > 0);
                assertThrows(IllegalStateException.class, client::peerCredentials);
            } else {
                assertEquals(ProcessHandle.current().pid(), client.peerCredentials().processId());
                assertThrows(NetparkException.class, client::tcpInfo);
            }
            assertEquals(client.remoteAddress(), server.localAddress());
            assertEquals(0, client.zeroCopyCount().onLoan());
            assertEquals(PeerState.PRESENT, server.awaitPeerClosed(Duration.ZERO));
            assertEquals(PeerState.PRESENT, server.awaitPeerClosed(Duration.ofMillis(1)));
            client.write(new byte[] {1, 2, 3});
            client.shutdownOutput();
            assertEquals(PeerState.HALF_CLOSED, server.awaitPeerClosed(Duration.ofSeconds(10))); // behind bytes that nobody reads
            assertThrows(IllegalArgumentException.class, () -> server.awaitPeerClosed(PeerState.PRESENT, Duration.ZERO));
            Setting.Started<PeerState> waiting = setting.start(() -> server.awaitPeerClosed(PeerState.GONE, Duration.ofSeconds(20)));
            waiting.awaitWaiting();
            server.close();
            assertEquals(PeerState.CLOSED, waiting.get());
        });
    }
}
