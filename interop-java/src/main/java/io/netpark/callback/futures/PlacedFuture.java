package io.netpark.callback.futures;

import io.netpark.core.loop.EventLoop;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A future of which the dependents, and theirs, run where it is completed, also if it is complete by the time they are added: then as
 * a task, and never inside the call that adds them. So a chain of calls that each wait for the one before,
 * {@code writeAsync(next).thenRun(this::goOn)}, is no deeper for being long, however fast they are.
 */
public final class PlacedFuture<T> extends CompletableFuture<T> {

    private final Place place;

    public PlacedFuture(Place place) {
        this.place = place;
    }

    public static <T> PlacedFuture<T> failed(Place place, Throwable failure) {
        PlacedFuture<T> future = new PlacedFuture<>(place);
        future.completeExceptionally(failure);
        return future;
    }

    /** Completes it, at its place. */
    public void tell(@Nullable T value) {
        tell(() -> complete(value));
    }

    /** As the other, with a failure. */
    public void tellFailure(Throwable failure) {
        tell(() -> completeExceptionally(failure));
    }

    /** Runs what completes it, at its place. */
    public void tell(Runnable completion) {
        place.complete(completion);
    }

    /** The connection has been made: dependents run on its loop from now on. */
    public void settle(EventLoop loop) {
        place.settle(loop);
    }

    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
        return new PlacedFuture<>(place);
    }

    private boolean isDoneOr(CompletionStage<?> other) {
        return isDone() || other instanceof CompletableFuture<?> future && future.isDone();
    }

    @Override
    public <U> CompletableFuture<U> thenApply(Function<? super T, ? extends U> fn) {
        return isDone() ? thenApplyAsync(fn, place) : super.thenApply(fn);
    }

    @Override
    public CompletableFuture<Void> thenAccept(Consumer<? super T> action) {
        return isDone() ? thenAcceptAsync(action, place) : super.thenAccept(action);
    }

    @Override
    public CompletableFuture<Void> thenRun(Runnable action) {
        return isDone() ? thenRunAsync(action, place) : super.thenRun(action);
    }

    @Override
    public <U> CompletableFuture<U> thenCompose(Function<? super T, ? extends CompletionStage<U>> fn) {
        return isDone() ? thenComposeAsync(fn, place) : super.thenCompose(fn);
    }

    @Override
    public CompletableFuture<T> whenComplete(BiConsumer<? super T, ? super Throwable> action) {
        return isDone() ? whenCompleteAsync(action, place) : super.whenComplete(action);
    }

    @Override
    @SuppressWarnings("NullAway") // the JDK does not say that the failure may be null, and it mostly is
    public <U> CompletableFuture<U> handle(BiFunction<? super T, @Nullable Throwable, ? extends U> fn) {
        return isDone() ? handleAsync(fn, place) : super.handle(fn);
    }

    @Override
    public CompletableFuture<T> exceptionally(Function<Throwable, ? extends T> fn) {
        return isDone() ? exceptionallyAsync(fn, place) : super.exceptionally(fn);
    }

    @Override
    public CompletableFuture<T> exceptionallyCompose(Function<Throwable, ? extends CompletionStage<T>> fn) {
        return isDone() ? exceptionallyComposeAsync(fn, place) : super.exceptionallyCompose(fn);
    }

    @Override
    public <U, V> CompletableFuture<V> thenCombine(
            CompletionStage<? extends U> other, BiFunction<? super T, ? super U, ? extends V> fn) {
        return isDoneOr(other) ? thenCombineAsync(other, fn, place) : super.thenCombine(other, fn);
    }

    @Override
    public <U> CompletableFuture<Void> thenAcceptBoth(
            CompletionStage<? extends U> other, BiConsumer<? super T, ? super U> action) {
        return isDoneOr(other) ? thenAcceptBothAsync(other, action, place) : super.thenAcceptBoth(other, action);
    }

    @Override
    public CompletableFuture<Void> runAfterBoth(CompletionStage<?> other, Runnable action) {
        return isDoneOr(other) ? runAfterBothAsync(other, action, place) : super.runAfterBoth(other, action);
    }

    @Override
    public <U> CompletableFuture<U> applyToEither(CompletionStage<? extends T> other, Function<? super T, U> fn) {
        return isDoneOr(other) ? applyToEitherAsync(other, fn, place) : super.applyToEither(other, fn);
    }

    @Override
    public CompletableFuture<Void> acceptEither(CompletionStage<? extends T> other, Consumer<? super T> action) {
        return isDoneOr(other) ? acceptEitherAsync(other, action, place) : super.acceptEither(other, action);
    }

    @Override
    public CompletableFuture<Void> runAfterEither(CompletionStage<?> other, Runnable action) {
        return isDoneOr(other) ? runAfterEitherAsync(other, action, place) : super.runAfterEither(other, action);
    }
}
