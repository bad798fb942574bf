package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.netpark.core.loop.EventLoopGroup;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;

/** A client's connection and one to a server, in the hands of a test; on two loops, mostly different ones. */
final class Between implements AutoCloseable {
    final CompletableFuture<CallbackConnection> accepted = new CompletableFuture<>();
    final CompletableFuture<CallbackConnection> dialed = new CompletableFuture<>();
    final ServerSocket listener = Support.listen();
    final EventLoopGroup group;
    final Support.Reports reports = new Support.Reports();
    final CallbackServer server;
    final CallbackClient dialer;
    final Socket client;
    final Socket service;

    /** @param met called on the loop of the second connection when there are both, before this returns */
    Between(EventLoopGroup.Builder loops, Callbacks callbacks, UnaryOperator<CallbackServer.Builder> choices,
            BiConsumer<CallbackConnection, CallbackConnection> met) throws Exception {
        group = loops.loops(2).reporter(reports).reportLimit(Integer.MAX_VALUE).open();
        dialer = CallbackClient.builder().group(group).open();
        server = choices.apply(Support.server().group(group).ignoreInput().onConnect(connection -> {
            connection.pauseReading();
            accepted.complete(connection);
            dialer.dial(listener.getLocalSocketAddress(), callbacks).thenAccept(upstream -> {
                met.accept(connection, upstream);
                dialed.complete(upstream);
                connection.resumeReading();
            });
        })).listen(Support.loopback());
        client = Support.connect(server);
        service = listener.accept();
        service.setSoTimeout(Support.TIMEOUT_MILLIS);
        Support.get(dialed);
    }

    @Override
    public void close() throws IOException {
        client.close();
        service.close();
        listener.close();
        server.close();
        dialer.close();
        group.close();
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    static final Callbacks NONE = Callbacks.builder().build();

    static <T> T get(CompletableFuture<T> future) throws Exception {
        return Support.get(future);
    }

    static Throwable failure(CompletableFuture<?> future) {
        return assertThrows(ExecutionException.class, () -> get(future)).getCause();
    }

    /** Passes on what has become of another future. */
    static <T> void tell(CompletableFuture<T> future, T result, Throwable failure) {
        if (failure != null) {
            future.completeExceptionally(failure);
        } else {
            future.complete(result);
        }
    }

    static Thread sending(Socket to, byte[] bytes, boolean end) {
        Thread thread = Support.thread(() -> {
            try {
                to.getOutputStream().write(bytes);
                if (end) {
                    to.shutdownOutput();
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        thread.start();
        return thread;
    }
}
