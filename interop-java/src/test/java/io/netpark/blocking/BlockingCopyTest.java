package io.netpark.blocking;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.sys.NetparkException;
import java.io.InterruptedIOException;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class BlockingCopyTest {

    static List<Setting> settings() {
        return Setting.all();
    }

    private interface Body {
        /** The proxy is between: {@code near} is its end of the client, {@code far} that of the server. */
        void run(BlockingConnection client, BlockingConnection near, BlockingConnection far, BlockingConnection server) throws Exception;
    }

    private static void withProxy(Setting setting, Body body) throws Exception {
        try (EventLoopGroup group = setting.open()) {
            setting.withPair(group, (client, near) -> setting.withPair(group, (far, server) -> body.run(client, near, far, server)));
        }
    }

    @ParameterizedTest
    @MethodSource("settings")
    void aStreamIsCopiedWithWhatWasReadAndWrittenBefore(Setting setting) throws Exception {
        withProxy(setting, (client, near, far, server) -> {
            byte[] sent = new byte[5_000_000];
            new Random(3).nextBytes(sent);
            Setting.Started<Void> sending = setting.start(() -> {
                client.write(sent);
                client.shutdownOutput();
                return null;
            });
            near.await(1); // some of it is in the reader
            far.writer().putString("first");
            Setting.Started<Long> copying = setting.start(() -> near.copyTo(far, 1000) + near.copyTo(far));
            assertEquals("first", server.awaitString(5));
            assertArrayEquals(sent, server.awaitBytes(sent.length));
            assertEquals(sent.length, copying.get());
            far.shutdownOutput();
            assertFalse(server.await(1));
            sending.get();
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void aRelayPassesBothStreamsOnAndTheirEnds(Setting setting) throws Exception {
        if (!setting.halfCloses()) {
            return;
        }
        withProxy(setting, (client, near, far, server) -> {
            Setting.Started<Relayed> relaying = setting.start(() -> near.relay(far));
            client.write(new byte[100_000]);
            client.shutdownOutput();
            assertEquals(100_000, server.asInputStream().readAllBytes().length);
            server.write(new byte[1000]);
            server.shutdownOutput();
            assertEquals(1000, client.asInputStream().readAllBytes().length);
            assertEquals(new Relayed(100_000, 1000), relaying.get());
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void interruptedItLosesNothing(Setting setting) throws Exception {
        withProxy(setting, (client, near, far, server) -> {
            client.write(new byte[] {1, 2, 3});
            Setting.Started<Long> copying = setting.start(() -> near.copyTo(far));
            assertEquals(1, server.awaitByte());
            copying.awaitWaiting();
            copying.thread().interrupt();
            assertInstanceOf(InterruptedIOException.class, assertThrows(ExecutionException.class, copying::get).getCause());
            client.write(new byte[] {4});
            assertEquals(4, near.awaitByte());
            far.write(new byte[] {5});
            assertArrayEquals(new byte[] {2, 3, 5}, server.awaitBytes(3));

            Setting.Started<Relayed> relaying = setting.start(() -> near.relay(far));
            relaying.awaitWaiting();
            relaying.thread().interrupt();
            assertInstanceOf(InterruptedIOException.class, assertThrows(ExecutionException.class, relaying::get).getCause());

            Thread.currentThread().interrupt(); // before
            assertThrows(InterruptedIOException.class, () -> near.copyTo(far));
            assertTrue(Thread.interrupted());
            client.write(new byte[] {6});
            assertEquals(6, near.awaitByte());
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void aSourceThatIsResetResetsTheTarget(Setting setting) throws Exception {
        if (!setting.isTcp()) {
            return; // unix sockets have no reset
        }
        withProxy(setting, (client, near, far, server) -> {
            Setting.Started<Long> copying = setting.start(() -> near.copyTo(far));
            client.write(new byte[] {1});
            assertEquals(1, server.awaitByte());
            client.reset();
            assertInstanceOf(NetparkException.Reset.class, assertThrows(ExecutionException.class, copying::get).getCause());
            far.close();
            assertThrows(NetparkException.Reset.class, () -> server.await(1));
        });
    }
}
