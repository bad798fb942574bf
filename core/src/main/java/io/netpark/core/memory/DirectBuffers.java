package io.netpark.core.memory;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Where the bytes of a direct buffer are, and what is at an address. The JDK offers no call for it before 22, and warns about Unsafe
 * from 24 on, so each JDK gets the way that costs it nothing.
 *
 * <p>For Netpark's own adapters.
 */
public final class DirectBuffers {

    /** One way to find out. */
    interface Addresses {
        /** Address of index 0. */
        long base(ByteBuffer direct);

        /** A buffer over memory that is somebody else's. Its byte order is whichever. */
        default ByteBuffer at(long address, int length) {
            return new Pointer(address).getByteBuffer(0, length);
        }
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
     * The memory at an address as a buffer, in the machine's byte order: for who gets addresses as the kernel does. Before JDK 22 that
     * takes JNA. The memory must be there for as long as the buffer is used; nothing checks that.
     */
    public static ByteBuffer at(long address, int length) {
        return ADDRESSES.at(address, length).order(ByteOrder.nativeOrder());
    }

    /** The JDK's {@code sun.misc.Unsafe}. By name, since javac warns of the class and cannot be told not to. */
    public static Object unsafe() throws ReflectiveOperationException {
        Field instance = Class.forName("sun.misc.Unsafe").getDeclaredField("theUnsafe");
        instance.setAccessible(true);
        return instance.get(null);
    }

    private static Addresses choose() {
        try {
            if (Runtime.version().feature() < 22) {
                unsafe(); // says what is missing, which an initializer could not
                return new UnsafeAddresses();
            }
            return (Addresses) Class.forName("io.netpark.core.memory.SegmentAddresses")
                    .getDeclaredConstructor().newInstance();
        } catch (ReflectiveOperationException | LinkageError | RuntimeException e) {
            return new JnaAddresses(); // a JDK without jdk.unsupported, or a build made on an old one
        }
    }

    /** {@code Buffer.address} by its offset: an ordinary load. */
    private static final class UnsafeAddresses implements Addresses {
        /** {@code (Object, long) long}: Unsafe.getLong. */
        private static final MethodHandle GET_LONG;
        private static final long OFFSET;

        static {
            try {
                Object unsafe = unsafe();
                Class<?> type = unsafe.getClass();
                OFFSET = (long) type.getMethod("objectFieldOffset", Field.class)
                        .invoke(unsafe, Buffer.class.getDeclaredField("address"));
                GET_LONG = MethodHandles.lookup()
                        .findVirtual(type, "getLong", MethodType.methodType(long.class, Object.class, long.class))
                        .bindTo(unsafe);
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
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
