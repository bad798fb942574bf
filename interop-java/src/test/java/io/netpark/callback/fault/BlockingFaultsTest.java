package io.netpark.callback.fault;

import static io.netpark.callback.fault.FaultyPlace.CONTENT;
import static io.netpark.callback.fault.FaultyPlace.get;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netpark.blocking.BlockingConnection;
import io.netpark.blocking.BlockingHandler;
import io.netpark.blocking.BlockingListener;
import io.netpark.callback.Flavour;
import io.netpark.callback.Support;
import io.netpark.core.net.dialing.Dialer;
import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.net.files.OpenFile;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.UnixAddress;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** Programs of threads that wait. */
class BlockingFaultsTest {

    private static final AtomicInteger NAMES = new AtomicInteger();

    private static final BlockingHandler ECHO = connection -> {
        byte[] bytes = new byte[4096];
        for (int read; (read = connection.read(bytes)) >= 0; ) {
            connection.write(bytes, 0, read);
        }
    };

    /** A thread of its own for each. */
    private static final Executor THREADS = task -> {
        Thread thread = new Thread(task, "of a program");
        thread.setDaemon(true);
        thread.start();
    };

    /** A listener, and the thread that serves it. */
    private static final class Service implements AutoCloseable {
        final BlockingListener listener;
        private final CompletableFuture<Void> served;

        Service(FaultyPlace place, SocketAddress address, Flavour flavour, BlockingHandler handler) throws IOException {
            listener = BlockingListener.listen(place.group, address, NetOptions.DEFAULT, null, flavour.serverTls());
            served = inThread(() -> listener.serve(THREADS, handler, null));
        }

        SocketAddress address() {
            return listener.localAddress();
        }

        @Override
        public void close() throws IOException {
            listener.close();
            try {
                get(served);
            } catch (IOException | RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private interface Body {
        void run() throws Exception;
    }

    private static CompletableFuture<Void> inThread(Body body) {
        CompletableFuture<Void> ended = new CompletableFuture<>();
        THREADS.execute(() -> {
            try {
                body.run();
                ended.complete(null);
            } catch (Throwable e) {
                ended.completeExceptionally(e);
            }
        });
        return ended;
    }

    private static BlockingConnection dial(FaultyPlace place, SocketAddress address, Flavour flavour) throws IOException {
        return BlockingConnection.dial(Dialer.of(place.group).withTls(flavour.clientTls()), address);
    }

    private static void echo(FaultyPlace place, SocketAddress address, Flavour flavour) throws Exception {
        try (Service service = new Service(place, address, flavour, ECHO);
                BlockingConnection client = dial(place, service.address(), flavour)) {
            client.write("ping".getBytes());
            assertEquals("ping", client.awaitString(4));
            client.shutdownOutput();
            assertEquals(-1, client.read(new byte[1]));
        }
    }

    @AfterAll
    static void tell() {
        FaultyPlace.tellHowMany(BlockingFaultsTest.class);
    }

    @Test
    void anEchoOverTcp() throws Exception {
        FaultyPlace.walk(place -> echo(place, Support.loopback(), Flavour.PLAIN));
    }

    @Test
    void anEchoOverAUnixSocket() throws Exception {
        FaultyPlace.walk(place -> echo(place, UnixAddress.path("/run/echo-" + NAMES.incrementAndGet() + ".sock"), Flavour.PLAIN));
    }

    @Test
    void anEchoOverTls() throws Exception {
        FaultyPlace.walk(place -> echo(place, Support.loopback(), Flavour.TLS_1_3));
    }

    @Test
    void aDialThatNobodyAnswers() throws Exception {
        FaultyPlace.walk(place -> {
            SocketAddress nobody;
            try (BlockingListener listener = BlockingListener.listen(place.group, Support.loopback())) {
                nobody = listener.localAddress();
            }
            try {
                dial(place, nobody, Flavour.PLAIN).close();
            } catch (NetparkException.Refused e) {
                return;
            }
            throw new AssertionError("somebody has answered");
        });
    }

    @Test
    void aRelayThatSplices() throws Exception {
        FaultyPlace.walk(place -> {
            try (Service service = new Service(place, Support.loopback(), Flavour.PLAIN, ECHO);
                    Service proxy = new Service(place, Support.loopback(), Flavour.PLAIN, one -> {
                        try (BlockingConnection other = dial(place, service.address(), Flavour.PLAIN)) {
                            one.relay(other);
                        }
                    });
                    BlockingConnection client = dial(place, proxy.address(), Flavour.PLAIN)) {
                CompletableFuture<Void> sending = inThread(() -> {
                    try {
                        client.write(CONTENT);
                        client.shutdownOutput();
                    } catch (Throwable e) {
                        client.reset(); // or the other thread would wait for an answer
                        throw e;
                    }
                });
                FaultyPlace.requireContent(client.asInputStream().readAllBytes());
                get(sending);
            }
        });
    }

    @Test
    void aFileThatIsSent() throws Exception {
        FaultyPlace.walk(place -> {
            try (Service service = new Service(place, Support.loopback(), Flavour.PLAIN, connection -> {
                try (OpenFile file = OpenFile.open(Path.of(FaultyPlace.FILE), place.libc)) {
                    connection.send(FileTransfer.of(file));
                }
            }); BlockingConnection client = dial(place, service.address(), Flavour.PLAIN)) {
                FaultyPlace.requireContent(client.asInputStream().readAllBytes());
            }
        });
    }

    @Test
    void aShutdownInPhases() throws Exception {
        FaultyPlace.walk(place -> {
            try (Service service = new Service(place, Support.loopback(), Flavour.PLAIN, connection -> {
                while (connection.awaitRequest()) {
                    connection.writer().putByte(connection.reader().takeByte());
                    connection.flush();
                }
            }); BlockingConnection client = dial(place, service.address(), Flavour.PLAIN)) {
                client.write("x".getBytes());
                assertEquals("x", client.awaitString(1));
                service.listener.shutdown(Shutdown.within(Duration.ofSeconds(10)));
                assertEquals(-1, client.read(new byte[1]));
            }
        });
    }
}
