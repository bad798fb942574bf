package io.netpark.core.heap;

import io.netpark.core.memory.DirectBuffers;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** {@link Block}s that are direct buffers, freed by Unsafe.invokeCleaner. For a JDK before 22, which does not warn of it. */
final class UnsafeCleaner implements Block.Source {

    /** {@code (ByteBuffer) void}. */
    private final MethodHandle invokeCleaner;

    private UnsafeCleaner(MethodHandle invokeCleaner) {
        this.invokeCleaner = invokeCleaner;
    }

    /** Null for a JDK without {@code jdk.unsupported}. */
    static @Nullable UnsafeCleaner find() {
        try {
            Object unsafe = DirectBuffers.unsafe();
            return new UnsafeCleaner(MethodHandles.lookup()
                    .findVirtual(unsafe.getClass(), "invokeCleaner", MethodType.methodType(void.class, ByteBuffer.class))
                    .bindTo(unsafe));
        } catch (ReflectiveOperationException | RuntimeException e) {
            return null;
        }
    }

    @Override
    public Block allocate(int size) {
        ByteBuffer memory = ByteBuffer.allocateDirect(size);
        return new Block(memory, () -> free(memory));
    }

    private void free(ByteBuffer memory) {
        try {
            invokeCleaner.invokeExact(memory);
        } catch (Throwable e) {
            // The collector will do it.
        }
    }
}
