#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# OpenJDK: many threads, locks and pools; NIO files, channels and selectors; processes.
. "$(dirname "$0")/lib.sh"
need java javac
cat >T.java <<'J'
import java.io.*;
import java.net.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.*;

public class T {
	static void threads() throws Exception {
		AtomicLong n = new AtomicLong();
		long[] plain = { 0 };
		CyclicBarrier barrier = new CyclicBarrier(16);
		Thread[] ts = new Thread[16];
		for (int i = 0; i < 16; i++) {
			ts[i] = new Thread(() -> {
				try { barrier.await(); } catch (Exception e) { throw new RuntimeException(e); }
				for (int k = 0; k < 20000; k++) {
					n.incrementAndGet();
					if (k % 10 == 0)
						synchronized (plain) { plain[0]++; }
				}
			});
			ts[i].start();
		}
		for (Thread t : ts)
			t.join();
		System.out.println(n + " " + plain[0]);
		ExecutorService pool = Executors.newFixedThreadPool(8);
		List<Future<Integer>> all = new ArrayList<>();
		for (int i = 0; i < 2000; i++) {
			int v = i;
			all.add(pool.submit(() -> v * v % 97));
		}
		int sum = 0;
		for (Future<Integer> f : all)
			sum += f.get();
		pool.shutdown();
		System.out.println(sum + " " + pool.awaitTermination(5, TimeUnit.SECONDS));
		System.out.println(IntStream.range(0, 1000000).parallel().filter(x -> x % 7 == 3).count());
		SynchronousQueue<Integer> q = new SynchronousQueue<>();
		Thread producer = new Thread(() -> {
			try { for (int i = 0; i < 1000; i++) q.put(i); } catch (InterruptedException e) { }
		});
		producer.start();
		int got = 0;
		for (int i = 0; i < 1000; i++)
			got += q.take();
		System.out.println(got);
		ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
		CountDownLatch ticks = new CountDownLatch(5);
		timer.scheduleAtFixedRate(ticks::countDown, 5, 5, TimeUnit.MILLISECONDS);
		System.out.println(ticks.await(10, TimeUnit.SECONDS));
		timer.shutdownNow();
		byte[][] keep = new byte[100][];
		for (int i = 0; i < 3000; i++)
			keep[i % 100] = new byte[100000];
		System.gc();
		System.out.println(keep[7].length);
		Thread sleeper = new Thread(() -> {
			try { Thread.sleep(100000); } catch (InterruptedException e) { System.out.println("interrupted"); }
		});
		sleeper.start();
		Thread.sleep(20);
		sleeper.interrupt();
		sleeper.join();
		try { deep(0); } catch (StackOverflowError e) { System.out.println("deep"); }
		try { System.out.println(((String) null).length()); } catch (NullPointerException e) { System.out.println("null"); }
	}

	static int deep(int n) { return deep(n + 1) + 1; }

	/* An echo server with one selector, clients in threads. */
	static void nio(SocketAddress bind) throws Exception {
		Selector sel = Selector.open();
		ServerSocketChannel listen = bind instanceof UnixDomainSocketAddress
			? ServerSocketChannel.open(StandardProtocolFamily.UNIX) : ServerSocketChannel.open();
		listen.bind(bind, 200);
		listen.configureBlocking(false);
		listen.register(sel, SelectionKey.OP_ACCEPT);
		AtomicBoolean stop = new AtomicBoolean();
		Thread server = new Thread(() -> {
			ByteBuffer buf = ByteBuffer.allocateDirect(65536);
			try {
				while (!stop.get()) {
					sel.select();
					for (Iterator<SelectionKey> it = sel.selectedKeys().iterator(); it.hasNext(); it.remove()) {
						SelectionKey k = it.next();
						if (k.isAcceptable()) {
							SocketChannel c = listen.accept();
							c.configureBlocking(false);
							c.register(sel, SelectionKey.OP_READ);
							k = null;
							continue;
						}
						SocketChannel c = (SocketChannel) k.channel();
						buf.clear();
						if (c.read(buf) < 0) {
							c.close();
							continue;
						}
						buf.flip();
						while (buf.hasRemaining())
							c.write(buf);
					}
				}
			} catch (IOException e) {
				System.out.println(e);
			}
		});
		server.start();
		SocketAddress where = listen.getLocalAddress();
		ExecutorService pool = Executors.newFixedThreadPool(20);
		List<Future<Integer>> all = new ArrayList<>();
		for (int i = 0; i < 100; i++) {
			byte[] msg = ("message " + i + " ").repeat(300).getBytes(StandardCharsets.UTF_8);
			all.add(pool.submit(() -> {
				int n = 0;
				try (SocketChannel c = SocketChannel.open(where)) {
					for (int k = 0; k < 5; k++) {
						c.write(ByteBuffer.wrap(msg));
						ByteBuffer in = ByteBuffer.allocate(msg.length);
						while (in.hasRemaining() && c.read(in) >= 0)
							;
						if (Arrays.equals(in.array(), msg))
							n++;
					}
				}
				return n;
			}));
		}
		int right = 0;
		for (Future<Integer> f : all)
			right += f.get();
		System.out.println(right);
		pool.shutdown();
		stop.set(true);
		sel.wakeup();
		server.join();
		listen.close();
	}

	static void files() throws Exception {
		Path dir = Files.createTempDirectory("j");
		Path f = dir.resolve("f");
		Files.write(f, Collections.nCopies(1000, "line of text"));
		System.out.println(Files.size(f) + " " + Files.lines(f).count());
		try (FileChannel c = FileChannel.open(f, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
			MappedByteBuffer m = c.map(FileChannel.MapMode.READ_WRITE, 0, 20000);
			m.putInt(19000, 42);
			m.force();
			ByteBuffer b = ByteBuffer.allocate(4);
			c.read(b, 19000);
			System.out.println(b.getInt(0) + " " + c.size());
			try (FileLock l = c.lock()) { System.out.println(l.isValid()); }
			try (FileChannel to = FileChannel.open(dir.resolve("g"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
				System.out.println(c.transferTo(0, c.size(), to));
			}
		}
		WatchService watch = dir.getFileSystem().newWatchService();
		dir.register(watch, StandardWatchEventKinds.ENTRY_CREATE);
		Files.createFile(dir.resolve("new"));
		WatchKey key = watch.poll(10, TimeUnit.SECONDS);
		System.out.println(key == null ? "nothing" : key.pollEvents().get(0).context());
		watch.close();
		try (Stream<Path> s = Files.walk(dir)) {
			s.sorted(Comparator.reverseOrder()).forEach(p -> p.toFile().delete());
		}
		System.out.println(Files.exists(dir));
		Process p = new ProcessBuilder("sh", "-c", "cat; exit 3").redirectErrorStream(true).start();
		try (OutputStream o = p.getOutputStream()) { o.write("through cat".getBytes()); }
		System.out.println(new String(p.getInputStream().readAllBytes()) + " " + p.waitFor());
	}

	public static void main(String[] a) throws Exception {
		threads();
		nio(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
		Path s = Files.createTempDirectory("u").resolve("s");
		nio(UnixDomainSocketAddress.of(s));
		Files.delete(s);
		Files.delete(s.getParent());
		files();
		System.out.println("end");
	}
}
J
javac -d . T.java
same timeout 100 java -Xmx128m -cp . T
[ "$(tail -1 box.out)" = end ] || die "Java did not run to its end"
