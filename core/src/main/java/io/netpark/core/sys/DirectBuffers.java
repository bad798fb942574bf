package io.netpark.core.sys;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Where the bytes of a direct buffer are. The JDK offers no call for it before 22, and warns about Unsafe from 24 on, so
 * each JDK gets the way that costs it nothing.
 */
public final class DirectBuffers {

    /** One way to find out. */
    interface Addresses {
        /** Address of index 0. */
        long base(ByteBuffer direct);
    }

    /** Constant, so the JIT inlines whichever way was found. */
    private static final Addresses ADDRESSES = choose();

    private DirectBuffers() {}

    /**
     * Address of index 0 of a direct buffer. The caller keeps the buffer reachable while the address is in use.
     *
     * @throws IllegalArgumentException if the buffer is not direct
     */
    public static long address(ByteBuffer buffer) {
        if (!buffer.isDirect()) {
            throw new IllegalArgumentException("not a direct buffer: " + buffer);
        }
        return ADDRESSES.base(buffer);
    }

    /**
     * Gives the memory of a buffer back to the operating system now, and not when the collector finds it. Neither the
     * buffer nor a view of it may be used afterwards: that would be the end of the process. A JDK without
     * {@code jdk.unsupported} leaves it to the collector.
     *
     * @param buffer from {@link ByteBuffer#allocateDirect}, no view
     */
    public static void free(ByteBuffer buffer) {
        if (Cleaner.INVOKE != null) {
            try {
                Cleaner.INVOKE.invokeExact(buffer);
            } catch (Throwable e) {
                throw new IllegalArgumentException("not a buffer that can be freed: " + buffer, e);
            }
        }
    }

    /** What the JDK has to free a buffer. */
    private static final class Cleaner {
        /** {@code (ByteBuffer) void}: Unsafe.invokeCleaner, which is not among what JEP 471 takes away. */
        static final @Nullable MethodHandle INVOKE = find();

        private static @Nullable MethodHandle find() {
            try {
                Class<?> type = Class.forName("sun.misc.Unsafe");
                return MethodHandles.lookup()
                        .findVirtual(type, "invokeCleaner", MethodType.methodType(void.class, ByteBuffer.class))
                        .bindTo(unsafe(type));
            } catch (ReflectiveOperationException e) {
                return null;
            }
        }
    }

    private static Object unsafe(Class<?> type) throws ReflectiveOperationException {
        Field instance = type.getDeclaredField("theUnsafe");
        instance.setAccessible(true);
        return instance.get(null);
    }

    private static Addresses choose() {
        try {
            if (Runtime.version().feature() < 22) {
                return new UnsafeAddresses();
            }
            return (Addresses) Class.forName("io.netpark.core.sys.SegmentAddresses")
                    .getDeclaredConstructor().newInstance();
        } catch (ReflectiveOperationException e) {
            return new JnaAddresses(); // a JDK without jdk.unsupported, or a build made on an old one
        }
    }

    /** {@code Buffer.address} by its offset: an ordinary load. */
    private static final class UnsafeAddresses implements Addresses {
        /** {@code (Object, long) long}: Unsafe.getLong. By handle, since javac warns of the class and cannot be told not to. */
        private static final MethodHandle GET_LONG;
        private static final long OFFSET;

        static {
            try {
                Class<?> type = Class.forName("sun.misc.Unsafe");
                Object unsafe = unsafe(type);
                OFFSET = (long) type.getMethod("objectFieldOffset", Field.class)
                        .invoke(unsafe, Buffer.class.getDeclaredField("address"));
                GET_LONG = MethodHandles.lookup()
                        .findVirtual(type, "getLong", MethodType.methodType(long.class, Object.class, long.class))
                        .bindTo(unsafe);
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        UnsafeAddresses() throws ReflectiveOperationException {
            Class.forName("sun.misc.Unsafe"); // says what is missing before the initializer does
        }

        @Override
        public long base(ByteBuffer direct) {
            try {
                return (long) GET_LONG.invokeExact((Object) direct, OFFSET);
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
        }
    }

    /** By a native call: it always works, and always costs. */
    private static final class JnaAddresses implements Addresses {
        @Override
        public long base(ByteBuffer direct) {
            return Pointer.nativeValue(Native.getDirectBufferPointer(direct));
        }
    }
}
