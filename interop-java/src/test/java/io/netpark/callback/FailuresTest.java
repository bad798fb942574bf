package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.report.PeerFault;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is told to a failure callback, and what is reported. */
@Timeout(60)
class FailuresTest {

    private final Support.Reports reports = new Support.Reports();
    private final BlockingQueue<Throwable> told = new LinkedBlockingQueue<>();
    private final StringBuffer events = new StringBuffer();
    private EventLoopGroup group;
    private Workers workers;

    static List<String> threads() {
        return Support.threads();
    }

    @BeforeEach
    void open() throws IOException {
        group = EventLoopGroup.builder().loops(1).metrics(true).daemon(true).reporter(reports)
                .reportLimit(Integer.MAX_VALUE).open();
    }

    @AfterEach
    void close() {
        group.close();
        if (workers != null) {
            workers.close();
        }
    }

    private CallbackServer.Builder server(String threads) {
        workers = Support.workers(threads);
        CallbackServer.Builder builder = Support.server().group(group)
                .onClose((connection, cause) -> events.append("close "));
        return workers == null ? builder : builder.workers(workers);
    }

    private CallbackServer.Builder telling(String threads) {
        return server(threads).onFailure((connection, failure) -> {
            assertTrue(EventLoop.current() == connection.loop());
            events.append("failure ");
            told.add(failure);
        });
    }

    private Throwable next() throws InterruptedException {
        return told.poll(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void assertToldBeforeClosing(CallbackServer server) throws InterruptedException {
        Support.await("closed", () -> server.connections() == 0);
        assertEquals("failure close ", events.toString());
        assertTrue(told.isEmpty());
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    @ParameterizedTest
    @MethodSource("threads")
    void aResetByThePeerIsToldAndCounted(String threads) throws Exception {
        try (CallbackServer server = telling(threads).ignoreInput().listen(Support.loopback())) {
            Socket socket = Support.connect(server);
            Support.await("it is there", () -> server.connections() == 1);
            Support.reset(socket);
            assertInstanceOf(NetparkException.Reset.class, next());
            assertToldBeforeClosing(server);
            assertEquals(1, group.snapshot().total().peerFaults().of(PeerFault.RESET));
            assertEquals(0, group.snapshot().total().handlerFailures());
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void aTimeoutIsToldAndCounted(String threads) throws Exception {
        try (CallbackServer server = telling(threads).ignoreInput().readTimeout(Duration.ofMillis(20)).listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            assertInstanceOf(NetparkException.TimedOut.class, next());
            assertToldBeforeClosing(server);
            assertEquals(1, group.snapshot().total().peerFaults().of(PeerFault.READ_TIMED_OUT));
            assertEquals(-1, socket.getInputStream().read());
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void whatACallbackThrowsIsToldAndNotReported(String threads) throws Exception {
        Exception thrown = new Exception("on purpose");
        try (CallbackServer server = telling(threads).onRequest((connection, in) -> {
                    throw thrown;
                }).listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            assertSame(thrown, next());
            assertToldBeforeClosing(server);
            assertEquals(1, group.snapshot().total().handlerFailures());
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void whatACallbackThrowsAfterItHasClosedIsToldAsWell(String threads) throws Exception {
        Exception thrown = new Exception("on purpose");
        try (CallbackServer server = telling(threads).onRequest((connection, in) -> {
                    connection.close();
                    throw thrown;
                }).listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            assertSame(thrown, next());
            assertToldBeforeClosing(server);
            assertEquals(1, group.snapshot().total().handlerFailures());
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void aFailureOfAnotherConnectionIsToldAsWhatACallbackThrew(String threads) throws Exception {
        NetparkException.Reset other = new NetparkException.Reset("read from a database: it is gone");
        other.setAbout(this);
        try (CallbackServer server = telling(threads).onRequest((connection, in) -> {
                    throw other;
                }).listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            assertSame(other, next());
            assertToldBeforeClosing(server);
            assertEquals(0, group.snapshot().total().peerFaults().of(PeerFault.RESET));
            assertEquals(1, group.snapshot().total().handlerFailures());
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void anEndInOrderAndACloseHereAreNoFailures(String threads) throws Exception {
        try (CallbackServer server = telling(threads).onRequest((connection, in) -> connection.close()).listen(Support.loopback())) {
            try (Socket socket = Support.connect(server)) {
                Support.send(socket, "x");
                assertEquals(-1, socket.getInputStream().read());
            }
            Support.connect(server).close();
            Support.await("closed", () -> server.connections() == 0 && events.length() == 12);
        }
        assertEquals("close close ", events.toString());
    }

    @ParameterizedTest
    @MethodSource("threads")
    void aFailureCallbackThatThrowsIsReportedWithWhatItWasTold(String threads) throws Exception {
        Exception first = new Exception("first");
        Exception second = new Exception("second");
        try (CallbackServer server = server(threads)
                        .onFailure((connection, failure) -> {
                            throw second;
                        })
                        .onRequest((connection, in) -> {
                            throw first;
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            assertEquals(-1, socket.getInputStream().read());
            Support.await("closed", () -> server.connections() == 0);
            assertEquals(List.of(first, second), List.copyOf(reports.causes));
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void withoutOneItIsReportedOnce(String threads) throws Exception {
        Exception thrown = new Exception("on purpose");
        try (CallbackServer server = server(threads).onRequest((connection, in) -> {
                    throw thrown;
                }).listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            assertEquals(-1, socket.getInputStream().read());
            Support.await("closed", () -> server.connections() == 0);
            assertEquals(List.of(thrown), List.copyOf(reports.causes));
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void aCloseCallbackThatThrowsIsTold(String threads) throws Exception {
        Exception thrown = new Exception("on purpose");
        try (CallbackServer server = telling(threads).ignoreInput().onDisconnect((connection, cause) -> {
                    throw thrown;
                }).listen(Support.loopback())) {
            Support.connect(server).close();
            assertSame(thrown, next());
            Support.await("closed", () -> server.connections() == 0);
            assertEquals("failure close ", events.toString());
        }
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    @ParameterizedTest
    @MethodSource("threads")
    void aFailureIsToldBeforeTheDisconnection(String threads) throws Exception {
        try (CallbackServer server = telling(threads).onDisconnect((connection, cause) -> events.append("disconnect "))
                        .onRequest((connection, in) -> {
                            throw new Exception("on purpose");
                        }).listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            assertTrue(next() != null);
            Support.await("closed", () -> server.connections() == 0);
            assertEquals("failure disconnect close ", events.toString());
        }
    }
}
