package io.netpark.callback.fault;

import static io.netpark.callback.fault.FaultyPlace.CONTENT;
import static io.netpark.callback.fault.FaultyPlace.get;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netpark.callback.CallbackClient;
import io.netpark.callback.CallbackConnection;
import io.netpark.callback.CallbackServer;
import io.netpark.callback.Callbacks;
import io.netpark.callback.Flavour;
import io.netpark.callback.Support;
import io.netpark.callback.messages.CallbackMessages;
import io.netpark.callback.messages.MessageCallbacks;
import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.net.files.OpenFile;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.UnixAddress;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** Programs of callbacks. */
class CallbackFaultsTest {

    private static final AtomicInteger NAMES = new AtomicInteger();

    /** What a connection reads, up to its end; fails if it has none. */
    private static final class Reading {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        final CompletableFuture<byte[]> all = new CompletableFuture<>();
        /** As many as are asked for, which have come in the beginning. */
        final CompletableFuture<String> first = new CompletableFuture<>();

        Callbacks callbacks(int firstBytes) {
            return Callbacks.builder()
                    .onRequest((connection, in) -> {
                        while (in.hasRemaining()) {
                            bytes.write(in.get());
                        }
                        if (bytes.size() >= firstBytes) {
                            first.complete(bytes.toString());
                        }
                    })
                    .onHalfClose(connection -> ended(null))
                    .onClose((connection, cause) -> ended(cause == null ? new EOFException("closed") : cause))
                    .build();
        }

        private void ended(Throwable cause) {
            if (cause == null) {
                all.complete(bytes.toByteArray());
                first.completeExceptionally(new EOFException("the end"));
            } else {
                all.completeExceptionally(cause);
                first.completeExceptionally(cause);
            }
        }
    }

    private static CallbackServer.Builder server(FaultyPlace place, Flavour flavour) {
        return flavour.server().group(place.group).segments(place.segments);
    }

    private static CallbackServer echo(FaultyPlace place, SocketAddress address, Flavour flavour) throws NetparkException {
        return server(place, flavour).onRequest((connection, in) -> connection.write(in)).listen(address);
    }

    private static CallbackClient client(FaultyPlace place, Flavour flavour) throws NetparkException {
        return flavour.client().group(place.group).segments(place.segments).open();
    }

    private static void echo(SocketAddress address, FaultyPlace place, Flavour flavour) throws Exception {
        Reading reading = new Reading();
        try (CallbackServer server = echo(place, address, flavour);
                CallbackClient client = client(place, flavour);
                CallbackConnection connection = get(client.dial(server.localAddress(), reading.callbacks(4)))) {
            connection.write(Support.bytes("ping"));
            assertEquals("ping", get(reading.first));
            connection.shutdownOutput();
            assertEquals(4, get(reading.all).length);
        }
    }

    @AfterAll
    static void tell() {
        FaultyPlace.tellHowMany(CallbackFaultsTest.class);
    }

    @Test
    void anEchoOverTcp() throws Exception {
        FaultyPlace.walk(place -> echo(Support.loopback(), place, Flavour.PLAIN));
    }

    @Test
    void anEchoOverAUnixSocket() throws Exception {
        FaultyPlace.walk(place -> echo(UnixAddress.path("/run/echo-" + NAMES.incrementAndGet() + ".sock"), place, Flavour.PLAIN));
    }

    @Test
    void anEchoOverTls() throws Exception {
        FaultyPlace.walk(place -> echo(Support.loopback(), place, Flavour.TLS_1_3));
    }

    @Test
    void aDialThatNobodyAnswers() throws Exception {
        FaultyPlace.walk(place -> {
            SocketAddress nobody;
            try (CallbackServer server = echo(place, Support.loopback(), Flavour.PLAIN)) {
                nobody = server.localAddress();
            }
            try (CallbackClient client = client(place, Flavour.PLAIN)) {
                try {
                    get(client.dial(nobody, Callbacks.builder().build())).close();
                } catch (NetparkException.Refused e) {
                    return;
                }
                throw new AssertionError("somebody has answered");
            }
        });
    }

    @Test
    void aRelayThatSplices() throws Exception {
        FaultyPlace.walk(place -> {
            Reading reading = new Reading();
            try (CallbackServer service = echo(place, Support.loopback(), Flavour.PLAIN);
                    CallbackClient client = client(place, Flavour.PLAIN);
                    CallbackServer proxy = server(place, Flavour.PLAIN).ignoreInput().onConnect(one -> {
                        one.pauseReading();
                        client.dial(service.localAddress(), Callbacks.builder().build()).whenComplete((other, failure) -> {
                            if (failure != null) {
                                one.reset();
                            } else {
                                one.relay(other);
                                one.resumeReading();
                            }
                        });
                    }).listen(Support.loopback());
                    CallbackConnection connection = get(client.dial(proxy.localAddress(), reading.callbacks(1)))) {
                connection.write(ByteBuffer.wrap(CONTENT));
                connection.shutdownOutput();
                FaultyPlace.requireContent(get(reading.all));
            }
        });
    }

    @Test
    void aFileThatIsSent() throws Exception {
        FaultyPlace.walk(place -> {
            Reading reading = new Reading();
            try (CallbackServer server = server(place, Flavour.PLAIN).ignoreInput().onConnect(connection -> {
                OpenFile file = OpenFile.open(Path.of(FaultyPlace.FILE), place.libc);
                try {
                    connection.sendFileAsync(FileTransfer.of(file), null).whenComplete((sent, failure) -> file.close());
                } catch (Throwable e) {
                    file.close();
                    throw e;
                }
                connection.closeAfterWrites();
            }).listen(Support.loopback());
                    CallbackClient client = client(place, Flavour.PLAIN)) {
                get(client.dial(server.localAddress(), reading.callbacks(1)));
                FaultyPlace.requireContent(get(reading.all));
            }
        });
    }

    @Test
    void datagrams() throws Exception {
        FaultyPlace.walk(place -> {
            CompletableFuture<String> answer = new CompletableFuture<>();
            MessageCallbacks echo = MessageCallbacks.builder()
                    .onMessage((socket, message) -> socket.send(message.bytes(), message.sender()))
                    .onError((socket, error) -> answer.completeExceptionally(error))
                    .onClose((socket, cause) -> answer.completeExceptionally(cause == null ? new EOFException("closed") : cause))
                    .build();
            MessageCallbacks asking = MessageCallbacks.builder()
                    .onMessage((socket, message) -> answer.complete(Support.take(message.bytes())))
                    .onError((socket, error) -> answer.completeExceptionally(error))
                    .onClose((socket, cause) -> answer.completeExceptionally(cause == null ? new EOFException("closed") : cause))
                    .build();
            try (CallbackMessages server = CallbackMessages.bind(place.group, Support.loopback(), echo);
                    CallbackMessages client = CallbackMessages.dial(place.group, server.localAddress(), asking)) {
                client.send(Support.bytes("ping"));
                assertEquals("ping", place.getUnlessTrouble(answer));
            }
        });
    }

    @Test
    void aShutdownInPhases() throws Exception {
        FaultyPlace.walk(place -> {
            Reading reading = new Reading();
            try (CallbackServer server = echo(place, Support.loopback(), Flavour.PLAIN);
                    CallbackClient client = client(place, Flavour.PLAIN);
                    CallbackConnection connection = get(client.dial(server.localAddress(), reading.callbacks(1)))) {
                connection.write(Support.bytes("x"));
                assertEquals("x", get(reading.first));
                server.shutdown(Shutdown.within(Duration.ofSeconds(10)));
                assertEquals(1, get(reading.all).length);
            }
        });
    }
}
