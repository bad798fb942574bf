package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.callback.messages.CallbackMessages;
import io.netpark.callback.messages.MessageCallbacks;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.sys.Binding;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.Socket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is thrown where input is read, kept or handed to a callback: the connection ends and it is said, others go on. */
@Timeout(60)
class ThrownErrorsTest {

    private final Support.Reports reports = new Support.Reports();

    static List<Arguments> throwing() {
        List<Arguments> all = new ArrayList<>();
        for (String threads : Support.threads()) {
            for (String callback : List.of("connect", "request", "input", "half-close")) {
                for (String what : List.of("memory", "stack", "assertion", "sneaky")) {
                    all.add(Arguments.of(threads, callback, what));
                }
            }
        }
        return all;
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> void raise(String what) throws T {
        throw (T) switch (what) {
            case "memory" -> new OutOfMemoryError("on purpose");
            case "stack" -> new StackOverflowError("on purpose");
            case "assertion" -> new AssertionError("on purpose");
            default -> new Throwable("on purpose");
        };
    }

    private static void raiseIf(boolean wanted, String what) {
        if (wanted) {
            ThrownErrorsTest.<RuntimeException>raise(what);
        }
    }

    @ParameterizedTest
    @MethodSource("throwing")
    void whatACallbackThrowsEndsItsConnection(String threads, String callback, String what) throws Exception {
        CompletableFuture<Throwable> cause = new CompletableFuture<>();
        AtomicInteger connected = new AtomicInteger();
        try (Workers workers = Support.workers(threads); EventLoopGroup group = Support.group(1, reports)) {
            CallbackServer.Builder builder = CallbackServer.builder().group(group)
                    .onConnect(connection -> {
                        raiseIf(connected.incrementAndGet() == 1 && callback.equals("connect"), what);
                    })
                    .onHalfClose(connection -> {
                        raiseIf(callback.equals("half-close"), what);
                        connection.closeAfterWrites();
                    })
                    .onClose((connection, why) -> cause.complete(why));
            if (callback.equals("input")) {
                builder.onInput((connection, in) -> {
                    raiseIf(in.getByte(0) == 'x', what);
                    connection.write(in.slice(in.available()));
                });
            } else {
                builder.onRequest((connection, in) -> {
                    raiseIf(callback.equals("request") && in.get(0) == 'x', what);
                    connection.write(in);
                });
            }
            if (workers != null) {
                builder.workers(workers);
            }
            try (CallbackServer server = builder.listen(Support.loopback());
                    Socket broken = Support.connect(server)) {
                Support.await("the first one", () -> connected.get() == 1);
                try (Socket other = Support.connect(server)) {
                    if (!callback.equals("connect")) {
                        Support.send(broken, "x");
                    }
                    if (callback.equals("half-close")) {
                        broken.shutdownOutput();
                    }
                    Throwable why = cause.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
                    assertInstanceOf(NetparkException.Closed.class, why);
                    assertEquals("on purpose", why.getCause().getMessage());
                    Support.await("a report", () -> reports.causes.size() == 1);
                    Support.send(other, "still there");
                    assertEquals("still there", Support.receive(other, 11));
                }
            }
        }
    }

    /** Throws an error instead of making a system call, once it has been told to. */
    private static LibC failingOnce(String prefix, AtomicBoolean failing) {
        LibC real = Binding.values()[0].unavailability() == null ? Binding.values()[0].open() : Binding.values()[1].open();
        return (LibC) Proxy.newProxyInstance(LibC.class.getClassLoader(), new Class<?>[] {LibC.class}, (proxy, method, args) -> {
            if (method.getName().startsWith(prefix) && failing.getAndSet(false)) {
                throw new OutOfMemoryError("on purpose");
            }
            try {
                return method.invoke(real, args);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    /** Of messages one more or less does not count, and the socket goes on. */
    @ParameterizedTest
    @ValueSource(strings = {"recv", "send"})
    void aMessageSocketGoesOn(String call) throws Exception {
        AtomicBoolean failing = new AtomicBoolean();
        LinkedBlockingQueue<String> received = new LinkedBlockingQueue<>();
        try (EventLoopGroup group = EventLoopGroup.builder().loops(1).daemon(true).libc(failingOnce(call, failing))
                        .reporter(reports).reportLimit(Integer.MAX_VALUE).open();
                CallbackMessages socket = CallbackMessages.bind(group, Support.loopback(), MessageCallbacks.builder()
                        .onMessage((any, message) -> received.add(Support.take(message.bytes()))).build());
                CallbackMessages sender = CallbackMessages.dial(group, socket.localAddress(), MessageCallbacks.builder().build())) {
            sender.send(Support.bytes("first"));
            assertEquals("first", received.poll(10, TimeUnit.SECONDS));
            failing.set(true);
            if (call.equals("send")) {
                assertThrows(OutOfMemoryError.class, () -> sender.send(Support.bytes("lost")));
            } else {
                sender.send(Support.bytes("late"));
                assertEquals("late", received.poll(10, TimeUnit.SECONDS));
                assertEquals(1, reports.causes.size());
            }
            sender.send(Support.bytes("next"));
            assertEquals("next", received.poll(10, TimeUnit.SECONDS));
        }
    }

    /** Reading fails as no system call does. */
    @ParameterizedTest
    @MethodSource("io.netpark.callback.Support#threads")
    void anErrorWhileReadingEndsTheConnection(String threads) throws Exception {
        AtomicBoolean failing = new AtomicBoolean();
        LibC libc = failingOnce("recv", failing);
        for (boolean reader : new boolean[] {true, false}) {
            CompletableFuture<Throwable> cause = new CompletableFuture<>();
            reports.causes.clear();
            try (Workers workers = Support.workers(threads);
                    EventLoopGroup group = EventLoopGroup.builder().loops(1).daemon(true).libc(libc).reporter(reports).reportLimit(Integer.MAX_VALUE).open()) {
                CallbackServer.Builder builder = CallbackServer.builder().group(group)
                        .onClose((connection, why) -> cause.complete(why));
                if (workers != null) {
                    builder.workers(workers);
                }
                if (reader) {
                    builder.onInput((connection, in) -> connection.write(in.slice(in.available())));
                } else {
                    builder.onRequest((connection, in) -> connection.write(in));
                }
                try (CallbackServer server = builder.listen(Support.loopback());
                        Socket broken = Support.connect(server); Socket other = Support.connect(server)) {
                    for (Socket socket : new Socket[] {other, broken}) { // both wait for bytes then
                        Support.send(socket, "a");
                        assertEquals("a", Support.receive(socket, 1));
                    }
                    failing.set(true);
                    Support.send(broken, "b");
                    Throwable why = cause.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
                    assertInstanceOf(OutOfMemoryError.class, why.getCause());
                    Support.await("a report", () -> reports.causes.size() == 1);
                    Support.send(other, "still there");
                    assertEquals("still there", Support.receive(other, 11));
                }
            }
        }
    }

    @Test
    void aMessageThatThereIsNoMemoryForEndsItsConnection() throws Exception {
        Process probe = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx32m",
                "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"), MemoryProbe.class.getName())
                .redirectErrorStream(true).start();
        String output = new String(probe.getInputStream().readAllBytes());
        assertTrue(probe.waitFor() == 0, output);
    }
}
