package io.netpark.callback;

import static io.netpark.callback.Between.get;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.callback.futures.OneByOne;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.pool.PoolOptions;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Chains of calls that each wait for the one before are no deeper for being long. */
@Timeout(60)
class LongChainsTest {

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    /** Does the same again when it is done, and ends when that was often enough, or when it throws. */
    private static final class Chain implements Runnable {
        final CompletableFuture<Integer> end = new CompletableFuture<>();
        private final Supplier<? extends CompletableFuture<?>> step;
        private final int length;
        private final boolean fails;
        private int done;

        Chain(int length, boolean fails, Supplier<? extends CompletableFuture<?>> step) {
            this.length = length;
            this.fails = fails;
            this.step = step;
        }

        @Override
        public void run() {
            try {
                if (done++ == length) {
                    end.complete(length);
                } else if (fails) {
                    step.get().handle((result, failure) -> {
                        run();
                        return null;
                    });
                } else {
                    step.get().thenRun(this).exceptionally(failure -> {
                        end.completeExceptionally(failure);
                        return null;
                    });
                }
            } catch (Throwable e) {
                end.completeExceptionally(e);
            }
        }
    }

    private static void onALoop(Executor completions, int length,
            Function<CallbackConnection, CompletableFuture<?>> step) throws Exception {
        CompletableFuture<CallbackConnection> accepted = new CompletableFuture<>();
        CallbackServer.Builder builder = CallbackServer.builder().loops(1).ignoreInput().onConnect(accepted::complete);
        if (completions != null) {
            builder.completeOn(completions);
        }
        try (CallbackServer server = builder.listen(Support.loopback());
                Socket client = Support.connect(server)) {
            CallbackConnection connection = get(accepted);
            Chain chain = new Chain(length, false, () -> step.apply(connection));
            connection.loop().execute(chain);
            assertEquals(length, chain.end.get());
            Support.send(client, "x");
        }
    }

    @Test
    void aMillionWritesOneAfterAnother() throws Exception {
        onALoop(null, 1_000_000, connection -> connection.writeAsync(NOTHING));
    }

    @Test
    void writesThatAreWaitedForTogether() throws Exception {
        onALoop(null, 20_000, connection -> CompletableFuture.allOf(
                connection.writeAsync(NOTHING), connection.writeAsync(NOTHING)));
    }

    @Test
    void whatIsChainedToTheChained() throws Exception {
        onALoop(null, 20_000, connection -> connection.writeAsync(NOTHING)
                .thenCompose(nothing -> connection.writeAsync(NOTHING)).thenApply(nothing -> 1));
    }

    @Test
    void writesCompletedByAnExecutorThatRunsThemHere() throws Exception {
        onALoop(Runnable::run, 20_000, connection -> connection.writeAsync(NOTHING));
    }

    @Test
    void writesFromAnotherThread() throws Exception {
        CompletableFuture<CallbackConnection> accepted = new CompletableFuture<>();
        try (CallbackServer server = CallbackServer.builder().loops(1).onConnect(accepted::complete).ignoreInput().listen(Support.loopback());
                Socket client = Support.connect(server)) {
            CallbackConnection connection = get(accepted);
            Chain chain = new Chain(20_000, false, () -> {
                CompletableFuture<Void> written = connection.writeAsync(NOTHING);
                if (!connection.loop().inLoop()) {
                    written.join(); // as if the loop had been faster
                }
                return written;
            });
            chain.run();
            assertEquals(20_000, chain.end.get());
            client.getOutputStream().write(1);
        }
    }

    @Test
    void filesOneAfterAnother(@TempDir Path folder) throws Exception {
        Path path = Files.write(folder.resolve("file"), new byte[1]);
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            onALoop(null, 20_000, connection -> connection.sendFileAsync(nothingOf(channel), null));
        }
    }

    private static FileTransfer nothingOf(FileChannel channel) {
        try {
            return FileTransfer.of(channel, 0, 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    @SuppressWarnings("try") // closed in the midst of it
    void writesToAConnectionThatIsClosed() throws Exception {
        CompletableFuture<CallbackConnection> accepted = new CompletableFuture<>();
        try (CallbackServer server = CallbackServer.builder().loops(1).onConnect(accepted::complete).ignoreInput().listen(Support.loopback());
                Socket client = Support.connect(server)) {
            CallbackConnection connection = get(accepted);
            connection.closeAsync().get();
            assertEquals(-1, client.getInputStream().read());
            Chain alive = new Chain(20_000, true, () -> connection.writeAsync(NOTHING));
            alive.run();
            assertEquals(20_000, alive.end.get());
            server.close(); // and the loop with it
            Chain dead = new Chain(20_000, true, connection::closeAsync);
            dead.run();
            assertEquals(20_000, dead.end.get());
        }
    }

    @Test
    @SuppressWarnings("try") // closed in the midst of it
    void dialsThatFailAtOnceAndBorrowersOfAPoolThatIsClosed() throws Exception {
        try (CallbackClient client = CallbackClient.builder().loops(1).open()) {
            CallbackPool pool = client.newPool(PoolOptions.DEFAULT);
            pool.close();
            Chain borrows = new Chain(5_000, true, () -> pool.borrow("localhost", 1, Between.NONE));
            borrows.run();
            assertEquals(5_000, borrows.end.get());
            client.close();
            Chain dials = new Chain(5_000, true, () -> client.dial("localhost", 1, Between.NONE));
            dials.run();
            assertEquals(5_000, dials.end.get());
        }
    }

    @Test
    void borrowersOneAfterAnother() throws Exception {
        try (CallbackServer server = CallbackServer.builder().loops(1).ignoreInput().listen(Support.loopback());
                CallbackClient client = CallbackClient.builder().loops(1).open()) {
            CallbackPool pool = client.newPool(PoolOptions.DEFAULT.withMaxPerDestination(1));
            Chain chain = new Chain(5_000, false, () ->
                    pool.borrow(server.localAddress(), Between.NONE).thenAccept(CallbackLease::giveBack));
            chain.run();
            assertEquals(5_000, chain.end.get());
        }
    }

    @Test
    void tasksOfALoopThatHasEnded() throws Exception {
        EventLoopGroup group = Support.group(1, new Support.Reports());
        group.close();
        Chain chain = new Chain(20_000, false, () -> {
            CompletableFuture<Void> told = new CompletableFuture<>();
            OneByOne.onLoop(group.first(), () -> told.complete(null));
            return told;
        });
        OneByOne.onLoop(group.first(), chain);
        assertEquals(20_000, chain.end.get());
    }

    @Test
    void anExecutorThatThrowsIsReportedAndTheLoopCompletesInstead() throws Exception {
        OutOfMemoryError trouble = new OutOfMemoryError("no thread");
        Support.Reports reports = new Support.Reports();
        CompletableFuture<CallbackConnection> accepted = new CompletableFuture<>();
        try (EventLoopGroup group = Support.group(1, reports);
                CallbackServer server = CallbackServer.builder().group(group).completeOn(task -> {
                    throw trouble;
                }).onConnect(accepted::complete).ignoreInput().listen(Support.loopback());
                Socket client = Support.connect(server)) {
            get(get(accepted).writeAsync(Support.bytes("x")));
            assertEquals("x", Support.receive(client, 1));
            Support.await("the report", () -> !reports.causes.isEmpty());
            assertSame(trouble, reports.causes.peek());
        }
    }

    @Test
    void anExecutorThatRejectsLeavesNoFutureIncomplete() throws Exception {
        Support.Reports reports = new Support.Reports();
        CompletableFuture<CallbackConnection> accepted = new CompletableFuture<>();
        try (EventLoopGroup group = Support.group(1, reports);
                CallbackServer server = CallbackServer.builder().group(group).completeOn(task -> {
                    throw new RejectedExecutionException("full");
                }).onConnect(accepted::complete).ignoreInput().listen(Support.loopback());
                Socket client = Support.connect(server)) {
            CallbackConnection connection = get(accepted);
            CompletableFuture<Void> written = connection.writeAsync(Support.bytes("x"));
            get(written);
            CompletableFuture<Boolean> onLoop = new CompletableFuture<>();
            get(written.thenRun(() -> onLoop.complete(EventLoop.current() == connection.loop()))); // chained to what is complete
            assertTrue(get(onLoop));
            get(connection.closeAsync());
            assertEquals("x", Support.receive(client, 1));
            assertEquals(List.of(), List.copyOf(reports.causes));
        }
    }

    @Test
    void anExecutorThatHasRunItAndThrowsThenDoesNotHaveItRunTwice() throws Exception {
        CompletableFuture<CallbackLease> lent;
        try (CallbackServer server = CallbackServer.builder().loops(1).ignoreInput().listen(Support.loopback());
                EventLoopGroup group = Support.group(1, new Support.Reports());
                CallbackClient client = CallbackClient.builder().group(group).completeOn(task -> {
                    task.run();
                    throw new RejectedExecutionException("too late");
                }).open()) {
            CallbackPool pool = client.newPool(PoolOptions.DEFAULT);
            lent = pool.borrow(server.localAddress(), Between.NONE);
            assertTrue(get(lent).isLent());
            assertTrue(get(lent).connection().isOpen());
            get(lent).discard();
        }
    }

    @Test
    @SuppressWarnings("try") // closed in the midst of it
    void whatFailsAtOnceStillFailsAtOnce() throws Exception {
        try (CallbackClient client = CallbackClient.builder().loops(1).open()) {
            client.close();
            CompletableFuture<CallbackConnection> dialed = client.dial("localhost", 1, Between.NONE);
            assertTrue(dialed.isCompletedExceptionally());
            assertInstanceOf(NetparkException.Closed.class, Between.failure(dialed));
            assertInstanceOf(IOException.class, Between.failure(dialed.thenApply(List::of)));
        }
    }
}
