package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a timeout setting may be, and a limit of one stretch. */
@Timeout(60)
class TimeoutSettingsTest {

    static List<String> threads() {
        return Support.threads();
    }

    @Test
    void aTimeoutOfABuilderMustBePositiveAndSaysHowNoneIsSaid() {
        for (Function<Duration, ?> setting : List.<Function<Duration, ?>>of(
                CallbackServer.builder()::idleTimeout, CallbackServer.builder()::readTimeout,
                CallbackServer.builder()::writeTimeout, CallbackClient.builder()::connectTimeout)) {
            for (Duration none : List.of(Duration.ZERO, Duration.ofSeconds(-1))) {
                String message = assertThrows(IllegalArgumentException.class, () -> setting.apply(none)).getMessage();
                assertTrue(message.contains("timeout must be positive") && message.contains("Due.INFINITE"), message);
            }
            setting.apply(Due.INFINITE);
            setting.apply(Duration.ofNanos(1));
        }
    }

    /** A connection of a server, to be closed with it. */
    private static NetparkException ended(String threads, Consumer<CallbackServer.Builder> settings, Consumer<CallbackConnection> then)
            throws Exception {
        return ended(threads, settings, connection -> {}, then);
    }

    private static NetparkException ended(String threads, Consumer<CallbackServer.Builder> settings, Consumer<CallbackConnection> inCallback,
            Consumer<CallbackConnection> then) throws Exception {
        CompletableFuture<CallbackConnection> accepted = new CompletableFuture<>();
        CompletableFuture<NetparkException> why = new CompletableFuture<>();
        CallbackServer.Builder builder = CallbackServer.builder().loops(1).ignoreInput()
                .onConnect(connection -> {
                    inCallback.accept(connection);
                    accepted.complete(connection);
                }).onClose((connection, cause) -> why.complete(cause));
        settings.accept(builder);
        try (Workers workers = Support.workers(threads)) {
            if (workers != null) {
                builder.workers(workers);
            }
            try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
                then.accept(accepted.get(10, TimeUnit.SECONDS));
                assertEquals(-1, socket.getInputStream().read());
                return why.get(10, TimeUnit.SECONDS);
            }
        }
    }

    private static NetparkException.Timeout timeout(NetparkException cause) {
        return assertInstanceOf(NetparkException.TimedOut.class, cause).timeout();
    }

    @ParameterizedTest
    @MethodSource("threads")
    void aConnectionRefusesTimeoutsThatAreNotPositive(String threads) throws Exception {
        assertEquals(NetparkException.Timeout.READ, timeout(ended(threads, builder -> {}, connection -> {
            for (Duration none : List.of(Duration.ZERO, Duration.ofNanos(-1))) {
                assertThrows(IllegalArgumentException.class, () -> connection.setReadTimeout(none));
                assertThrows(IllegalArgumentException.class, () -> connection.setWriteTimeout(none));
                assertThrows(IllegalArgumentException.class, () -> connection.setIdleTimeout(none));
            }
            connection.setReadTimeout(Duration.ofMillis(50));
        })));
    }

    @ParameterizedTest
    @MethodSource("threads")
    void anIdleTimeoutMayBeSetOnAConnectionThatHadNone(String threads) throws Exception {
        assertEquals(NetparkException.Timeout.IDLE, timeout(ended(threads, builder -> {},
                connection -> connection.setIdleTimeout(Duration.ofMillis(50)))));
    }

    @ParameterizedTest
    @MethodSource("threads")
    void anIdleTimeoutMayBeShortened(String threads) throws Exception {
        assertEquals(NetparkException.Timeout.IDLE, timeout(ended(threads, builder -> builder.idleTimeout(Duration.ofHours(1)),
                connection -> connection.setIdleTimeout(Duration.ofMillis(50)))));
    }

    @ParameterizedTest
    @MethodSource("threads")
    void anIdleTimeoutMayBeTakenAway(String threads) throws Exception {
        assertEquals(NetparkException.Timeout.READ, timeout(ended(threads, builder -> builder.idleTimeout(Duration.ofSeconds(1)),
                connection -> { // in a callback, as the time does not go on there
                    connection.setIdleTimeout(Due.INFINITE);
                    connection.setReadTimeout(Duration.ofMillis(1600)); // long after the idle timeout would have been over
                }, connection -> {})));
    }

    @ParameterizedTest
    @MethodSource("threads")
    void aLimitThatIsOverAtOnceClosesAtOnce(String threads) throws Exception {
        for (Duration none : List.of(Duration.ZERO, Duration.ofDays(-1))) {
            NetparkException cause = ended(threads, builder -> {}, connection -> connection.limit(none, "a handshake"));
            assertEquals(NetparkException.Timeout.EXCHANGE, timeout(cause));
            assertTrue(cause.getMessage().contains("a handshake"), cause.getMessage());
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void aReadTimeoutThatWasTakenAwayDuringAPauseDoesNotStrikeAfterwards(String threads) throws Exception {
        CompletableFuture<CallbackConnection> paused = new CompletableFuture<>();
        try (Workers workers = Support.workers(threads)) {
            CallbackServer.Builder builder = CallbackServer.builder().loops(1).readTimeout(Duration.ofMillis(500))
                    .onConnect(connection -> {
                        connection.loop().schedule(() -> { // when reading has begun
                            connection.pauseReading();
                            paused.complete(connection);
                        }, 30, TimeUnit.MILLISECONDS);
                    })
                    .onRequest((connection, in) -> connection.write(in));
            if (workers != null) {
                builder.workers(workers);
            }
            try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
                CallbackConnection connection = paused.get(10, TimeUnit.SECONDS);
                Thread.sleep(700);
                connection.setReadTimeout(Due.INFINITE);
                connection.resumeReading();
                Support.send(socket, "x");
                assertEquals("x", Support.receive(socket, 1));
            }
        }
    }
}
